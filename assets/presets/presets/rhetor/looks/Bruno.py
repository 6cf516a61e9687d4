# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "1.819 -0.532 -0.24 -0.318 -0.036 -0 -1.013 -2.343 2.725 0.953 1.261 -0.54 -0.68 "
    "-0.473 0.214 -0.297 0.08 -0.516 0.013 0.094 0.247 0.411 -0.476 0.223 -1.12 1.36 "
    "0.941 -1.48 -0.73 -0.982 0.463 0.201 0.444 0.675 0.27 0.413 -0.124 0.742 -0.927 "
    "-0.031 0.059 0.919 -0.611 -0.879 -0.222 0.673 -0.05 0.764 -1.133 0.453"
)
looks.skin_palette = "olive"
looks.iris_palette = "dark brown"
looks.hair_palette = "gray"
looks.has_hair = True

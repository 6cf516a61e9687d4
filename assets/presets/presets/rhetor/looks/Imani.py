# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "-1.387 0.183 -1.135 0.777 0.407 -0.324 0.302 0.24 -0.253 -0.645 -1.321 1.486 -0.047 "
    "1.364 -0.405 0.502 -0.043 0.94 -0.366 1.052 0.235 -0.118 -1.475 1.033 -0.558 -0.163 "
    "0.379 -0.096 1.196 -0.744 0.295 -0.039 -0.931 -0.27 -1.617 1.242 0.533 0.573 0.998 "
    "0.271 0.382 -0.422 0.619 0.095 -0.765 -0.269 -0.286 1.144 -0.447 -0.668"
)
looks.skin_palette = "dark"
looks.iris_palette = "dark brown"
looks.hair_palette = "black"
looks.has_hair = True

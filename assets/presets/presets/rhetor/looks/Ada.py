# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "-1.602 0.988 0.647 -0.117 -0.311 -0.075 0.812 0.656 0.031 -1.308 1.082 0.36 0.426 "
    "-0.082 -0.31 0.406 0.545 -0.142 -0.089 0.525 -0.532 -0.86 0.051 -0.435 -1.281 -0.599 "
    "-0.228 -0.517 -0.63 0.049 0.526 0.112 -0.391 0.251 0.216 0.239 0.525 0.749 0.303 "
    "-0.288 0.361 -0.272 0.945 -0.533 -0.482 -0.575 -0.96 0.101 0.451 -0.458"
)
looks.skin_palette = "fair"
looks.iris_palette = "green"
looks.hair_palette = "auburn"
looks.has_hair = True

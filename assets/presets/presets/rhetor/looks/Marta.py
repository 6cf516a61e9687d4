# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "-0.989 0.42 -0.976 1.073 -0.298 -1.375 -2.586 -3.177 1.068 1.448 -0.305 0.46 -1.311 "
    "-0.806 -1.695 0.564 1.528 0.458 -1.116 0.588 2.088 1.105 -0.895 0.13 -1.206 1.585 "
    "-0.763 0.836 -0.104 -0.222 0.205 -0.643 -1.144 0.584 -0.465 0.301 0.558 -0.216 0.142 "
    "-0.076 0.223 0.326 -0.063 0.788 -0.471 -0.218 -0.744 -0.008 0.047 -0.19"
)
looks.skin_palette = "porcelain"
looks.iris_palette = "light blue"
looks.hair_palette = "white"
looks.has_hair = True

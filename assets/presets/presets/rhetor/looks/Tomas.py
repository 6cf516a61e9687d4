# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "1.643 -0.712 0.228 -0.26 0.28 0.142 -1.15 0.067 0.353 0.798 -0.681 -0.29 -0.003 "
    "-0.212 0.856 0.689 -0.377 1.287 0.133 0.036 -1.651 -0.729 0.677 0.154 1.325 -0.981 "
    "0.489 -0.781 -0.11 -0.565 0.757 -0.183 0.371 0.542 0.517 -0.945 0.696 0.29 0.228 "
    "-0.538 -0.93 -0.936 -0.092 0.036 -0.559 1.133 0.105 0.519 0.51 -0.667"
)
looks.skin_palette = "brown"
looks.iris_palette = "hazel"
looks.hair_palette = "dark brown"
looks.has_hair = False

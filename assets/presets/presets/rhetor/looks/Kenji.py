# SPDX-License-Identifier: GPL-3.0-or-later
"""A face."""

import bpy

looks = bpy.context.scene.rhetor.head.rhetor_looks

looks.face = (
    "1.055 -0.036 0.66 0.266 -0.903 0.154 0.133 0.775 -1.022 1.533 -0.57 0.556 0.247 "
    "-0.02 -0.686 1.625 -1.727 1.496 -0.378 -0.529 -0.134 -0.246 0.088 -0.274 0.856 -1.122 "
    "0.171 -0.465 0.97 -1.375 -0.076 0.433 -0.599 0.426 -0.134 0.311 0.77 -1.157 -1.088 "
    "-0.145 0.285 0.254 -0.198 -0.271 -0.91 -0.582 -0.021 -0.262 1.393 -0.552"
)
looks.skin_palette = "beige"
looks.iris_palette = "dark brown"
looks.hair_palette = "black"
looks.has_hair = True

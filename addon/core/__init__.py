# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure Python and numpy: timing, axes, retargeting. Neither bpy nor torch."""

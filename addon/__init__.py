# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender side: panel, operators, rig, keys. No torch here; the engine is another process."""

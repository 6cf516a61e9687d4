# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3DMM head: its channels, its file, its construction. numpy only, shared with Blender."""

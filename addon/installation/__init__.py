# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the engine from within Blender: a process beside it, buttons, and what they show."""

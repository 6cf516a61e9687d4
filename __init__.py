# SPDX-License-Identifier: GPL-3.0-or-later
"""Rhetor: a voice recording in, a talking head on Blender's timeline out.

The package root. Blender imports it as an extension and calls `register`; the engine's own
interpreter imports `rhetor.engine` beneath it and never touches Blender.
"""


def register() -> None:
    """Add Rhetor's classes and properties to Blender."""
    from . import addon

    addon.register()


def unregister() -> None:
    """Remove everything that `register` added."""
    from . import addon

    addon.unregister()

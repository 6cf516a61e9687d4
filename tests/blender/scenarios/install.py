# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the extension from its zip, as a person does."""

import bpy
import scenario


def main(archive: str) -> dict:
    bpy.ops.extensions.package_install_files(
        repo="user_default", filepath=archive, enable_on_install=True
    )
    assert scenario.EXTENSION in bpy.context.preferences.addons
    assert hasattr(bpy.types.Scene, "rhetor")
    return {"blender": bpy.app.version_string, "file": scenario.module("addon").__file__}


scenario.run(main, enabled=False)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscribe to a repository of the extension, install it from there, and take an update."""

import shutil
import tomllib
from pathlib import Path

import bpy
import scenario

MODULE = "rhetor_releases"


def main(folder: str, newer: str) -> dict:
    """folder: the repository. newer: what is published there later."""
    bpy.context.preferences.system.use_online_access = True
    repos = bpy.context.preferences.extensions.repos
    url = (Path(folder) / "index.json").as_uri()
    repo = repos.new(name="Releases", module=MODULE, remote_url=url)
    number = list(repos).index(repo)
    bpy.ops.extensions.repo_sync(repo_index=number)
    bpy.ops.extensions.package_install(repo_index=number, pkg_id="rhetor", enable_on_install=True)
    assert f"bl_ext.{MODULE}.rhetor" in bpy.context.preferences.addons
    first = installed_version(repo)
    for name in ("index.json", *(path.name for path in Path(newer).glob("*.zip"))):
        shutil.copy(Path(newer) / name, folder)
    bpy.ops.extensions.repo_sync(repo_index=number)
    bpy.ops.extensions.package_upgrade_all()
    assert hasattr(bpy.types.Scene, "rhetor")
    return {"first": first, "then": installed_version(repo)}


def installed_version(repo) -> str:
    manifest = Path(repo.directory) / "rhetor" / "blender_manifest.toml"
    return tomllib.loads(manifest.read_text("utf-8"))["version"]


scenario.run(main, enabled=False)

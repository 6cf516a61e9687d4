# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that are linked from another file: what has to be overridden to be keyed.

Measured on 4.2 to 5.2: an override of the objects leaves their meshes, and with them the shape
keys, in the other file. An override of the mesh data brings local shape keys that can be keyed and
that stay with the file.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ...engine.protocol.errors import RigError
from .. import compat


def require_editable(root: bpy.types.Object) -> None:
    """Raise RigError where an object is linked without an override."""
    if root.library is not None:
        raise RigError(
            f"{root.name} is linked from {_file_of(root.library)} and cannot take keys.",
            "Make a library override of it (Object, Library Override, Make), then set it up.",
        )


def make_keyable(root: bpy.types.Object, meshes: Iterable[bpy.types.Object]) -> tuple[str, ...]:
    """Override what has been linked, so that bones and shape keys take keys; says what was done.

    Raises RigError, before anything has changed, where an object is linked without an override.
    """
    meshes = list(meshes)
    for item in (root, *meshes):
        require_editable(item)
    for item in (root, *meshes):
        if item.override_library is not None:
            item.override_library.is_system_override = False
    done = [item.data.name for item in meshes if _override_mesh(item)]
    return (f"The linked mesh {', '.join(done)} was overridden as well.",) if done else ()


def what_is_not_kept(root: bpy.types.Object) -> tuple[str, ...]:
    """A warning where this file cannot keep what is set on an overridden root."""
    override = root.override_library
    if override is None or override.reference is None:
        return ()
    if compat.keeps_override_settings(override.reference, "rhetor_character"):
        return ()
    file = _file_of(override.reference.library)
    return (
        f"Saving this file does not keep the set-up, as {root.name} has none in {file}. "
        "Set it up there too.",
    )


def _override_mesh(item: bpy.types.Object) -> bool:
    if item.data.library is None:
        return False
    if item.data.override_create(remap_local_usages=True) is None:
        raise RigError(
            f"The mesh {item.data.name} cannot be overridden.",
            "Make it local: Object, Relations, Make Local.",
        )
    return True


def _file_of(library: bpy.types.Library) -> str:
    return bpy.path.basename(library.filepath)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that others have made, built from files which are not part of this repository."""

import shutil
from pathlib import Path

import bpy
import numpy as np

_SHOWN_HELPERS = ("helper-l-eye", "helper-r-eye", "helper-tongue", "teeth", "eyelashes")


def ict_head(folder: str) -> bpy.types.Object:
    """The neutral of ICT-FaceKit with its expressions as shape keys, in metres, without bones.

    folder: FaceXModel of its repository. Its axes are Y up, Z forward, its unit the centimetre.
    """
    models = Path(folder)
    neutral, faces = read_obj(models / "generic_neutral_mesh.obj")
    mesh = bpy.data.meshes.new("ICT")
    mesh.from_pydata(upright(neutral).tolist(), [], faces)
    head = bpy.data.objects.new("ICT", mesh)
    bpy.context.scene.collection.objects.link(head)
    head.shape_key_add(name="Basis")
    for path in sorted(models.glob("*.obj")):
        if path.stem.startswith(("generic", "identity", "Pupil")):
            continue
        moved, _ = read_obj(path)
        block = head.shape_key_add(name=path.stem)
        block.data.foreach_set("co", upright(moved).astype(np.float32).ravel())
        block.value = 0.0
    mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    bpy.context.view_layer.update()
    return head


def read_obj(path: Path) -> tuple[np.ndarray, list[list[int]]]:
    points, faces = [], []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("v "):
            points.append([float(word) for word in line.split()[1:4]])
        elif line.startswith("f "):
            faces.append([int(word.split("/")[0]) - 1 for word in line.split()[1:]])
    return np.array(points), faces


def upright(points: np.ndarray) -> np.ndarray:
    return 0.01 * points @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)


def mpfb_human(folder: str) -> bpy.types.Object:
    """A human of MPFB made by its own code, with its default rig and ARKit face units.

    folder: holds the extension as `mpfb`, with the face units among its targets. Its eyes and
    teeth are assets of their own; its helpers for them are shown instead.
    """
    import addon_utils

    user = Path(bpy.utils.user_resource("EXTENSIONS")) / "user_default"
    if not (user / "mpfb").exists():
        shutil.copytree(Path(folder) / "mpfb", user / "mpfb")
    addon_utils.extensions_refresh(ensure_wheels=False)
    assert addon_utils.enable("bl_ext.user_default.mpfb", default_set=True)
    from bl_ext.user_default.mpfb.services.faceservice import ARKIT_FACEUNITS
    from bl_ext.user_default.mpfb.services.humanservice import HumanService
    from bl_ext.user_default.mpfb.services.targetservice import TargetService

    looks = TargetService.get_default_macro_info_dict()
    looks |= {"gender": 0.3, "age": 0.75, "weight": 0.7}
    looks["race"] = {"asian": 0.6, "caucasian": 0.1, "african": 0.3}
    body = HumanService.create_human(macro_detail_dict=looks)
    show_helpers(body)
    units = Path(folder) / "mpfb" / "data" / "targets" / "faceunits"
    for name in ARKIT_FACEUNITS:
        TargetService.load_target(body, str(units / f"{name}.target"), weight=0.0, name=name)
    rig = HumanService.add_builtin_rig(body, "default")
    bpy.context.view_layer.update()
    return rig


def show_helpers(body: bpy.types.Object) -> None:
    """Let the mask leave the eyes, the teeth and the tongue."""
    groups = {
        group.index for group in body.vertex_groups if any(h in group.name for h in _SHOWN_HELPERS)
    }
    chosen = [v.index for v in body.data.vertices if any(g.group in groups for g in v.groups)]
    body.vertex_groups["body"].add(chosen, 1.0, "REPLACE")


def rename_keys(mesh: bpy.types.Object) -> dict[str, str]:
    """Give all keys that are not in use meaningless names; new name -> old name."""
    names = {}
    for place, block in enumerate(list(mesh.data.shape_keys.key_blocks)[1:]):
        if not block.value:
            names[f"Q{place:03d}"] = block.name
            block.name = f"Q{place:03d}"
    return names

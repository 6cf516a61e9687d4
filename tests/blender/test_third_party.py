# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that others have made. Their files are not part of this repository.

RHETOR_TEST_ICT names the folder FaceXModel of ICT-FaceKit; RHETOR_TEST_MPFB a folder that holds the
extension MPFB as `mpfb`, with its pack of ARKit face units in mpfb/data/targets/faceunits.
"""

import importlib.util
import os
from pathlib import Path

import pytest

SPEECH = Path(__file__).resolve().parents[2] / "assets" / "demo" / "speech.flac"
PLACES = {
    "ict": ("RHETOR_TEST_ICT", "generic_neutral_mesh.obj"),
    "mpfb": ("RHETOR_TEST_MPFB", "mpfb/data/targets/faceunits/jawOpen.target"),
}


@pytest.fixture(scope="module", params=PLACES)
def told(request, default_blender, engine_python):
    variable, needed = PLACES[request.param]
    folder = os.environ.get(variable, "")
    if not (folder and (Path(folder) / needed).is_file()):
        pytest.skip(f"{variable} does not name a folder with {needed}")
    if importlib.util.find_spec("mediapipe") is None:
        pytest.skip("landmarks are guessed with MediaPipe, which is not installed")
    result = default_blender.run(
        "third_party_fit", request.param, folder, SPEECH, RHETOR_ENGINE_PYTHON=str(engine_python)
    )
    return {"kind": request.param, **result}


def test_one_click_sets_it_up(told):
    assert told["named"] >= 52
    assert len(told["reached by name"]) >= 51
    assert told["bones"] == (["head", "eye.L", "jaw"] if told["kind"] == "mpfb" else ["", "", ""])
    assert told["turned"] > 0.05, "the head turns"


def test_its_shapes_tell_what_their_names_told(told):
    print({name: value for name, value in told.items() if name.endswith("_mm")})
    assert told["motion_mm"] > 1.0
    assert told["error_mm"] < 0.2 * told["motion_mm"]
    lost = set(told["reached by name"]) - set(told["reached by fit"])
    assert len(lost) <= 3

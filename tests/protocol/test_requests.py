# SPDX-License-Identifier: GPL-3.0-or-later
"""A request is checked once, in one place, with a message that names the setting."""

import json
import math

import pytest

from rhetor.engine.protocol.errors import ConfigError
from rhetor.engine.protocol.requests import AnimateRequest, animate_request, request_params

AUDIO = "/tmp/voice.wav"


def test_defaults():
    request = animate_request({"audio": AUDIO})
    assert request == AnimateRequest(AUDIO, "plus", "neutral", 0, 30.0)
    assert request.eyes and request.device == "auto"


def test_round_trip_through_json():
    request = AnimateRequest(
        AUDIO,
        preset="paper",
        style="calm",
        seed=2**32 - 1,
        fps=24000 / 1001,
        start_pose=(0.1, -0.2, 0.0, 1.0, 2, -3.0),
        eyes=False,
        identity=(0.5, -1.0),
        start_s=1.5,
        max_seconds=2,
        lead_s=0.25,
        trail_s=0.5,
        device="cpu",
    )
    assert animate_request(json.loads(json.dumps(request_params(request)))) == request


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("audio", ""),
        ("audio", "voice.wav"),
        ("audio", None),
        ("preset", "best"),
        ("device", "tpu"),
        ("style", ""),
        ("style", 3),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.0),
        ("seed", True),
        ("fps", 0),
        ("fps", 1000),
        ("fps", math.nan),
        ("fps", "30"),
        ("fps", True),
        ("eyes", 1),
        ("max_seconds", 0),
        ("max_seconds", -1.0),
        ("max_seconds", math.inf),
        ("start_s", -0.1),
        ("start_s", math.nan),
        ("start_s", None),
        ("lead_s", -1),
        ("trail_s", 60),
        ("silence_s", 5.0),
        ("start_pose", [0, 0, 0]),
        ("start_pose", [4.0, 0, 0, 0, 0, 0]),
        ("start_pose", [0, 0, 0, 0, 0, 20_000]),
        ("start_pose", [0, 0, math.nan, 0, 0, 0]),
        ("start_pose", "000000"),
        ("identity", [math.inf]),
        ("identity", [11.0]),
        ("identity", "x"),
        ("unheard", 1),
    ],
)
def test_wrong_settings_are_refused(setting, value):
    with pytest.raises(ConfigError) as caught:
        animate_request({"audio": AUDIO, setting: value})
    assert caught.value.message


def test_listening_needs_no_recording_and_allows_none():
    request = animate_request({"silence_s": 12.5, "lead_s": 0.5, "trail_s": 1.0})
    assert request.audio == "" and request.duration_s == 14.0
    for wrong in ({"silence_s": 0}, {"silence_s": -1.0}, {"silence_s": 1e9}, {"silence_s": "5"}):
        with pytest.raises(ConfigError, match="Listening"):
            animate_request(wrong)
    for other in ({"audio": AUDIO}, {"start_s": 1.0}, {"max_seconds": 2.0}):
        with pytest.raises(ConfigError, match="exclude"):
            animate_request({"silence_s": 5.0, **other})


def test_the_length_is_what_was_asked_for_with_the_silence_around():
    assert AnimateRequest(AUDIO).duration_s is None
    assert AnimateRequest(AUDIO, start_s=3.0, max_seconds=2.0, lead_s=0.5).duration_s == 2.5


def test_an_unknown_setting_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="sead") as caught:
        animate_request({"audio": AUDIO, "sead": 1})
    assert "seed" in caught.value.hint
    with pytest.raises(ConfigError, match="recording"):
        animate_request({"seed": 1})

# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up recordings of a person, for tests of what learns from them."""

from pathlib import Path

import numpy as np

from rhetor.engine.checkpoint import WEIGHTS_DIR
from rhetor.engine.dataset.corpus import features_path
from rhetor.engine.dataset.person_clip import PersonClip, save_person_clip
from rhetor.engine.head.channels import EXPRESSION_NAMES, IDENTITY_SIZE
from rhetor.engine.protocol.weights_header import read_description

EXTRACTOR = read_description(WEIGHTS_DIR / "features.safetensors")["id"]


def person_clip(seconds: float = 12.0, seed: int = 0, **changes) -> PersonClip:
    """A voice that hums in syllables, a jaw that follows it, a head that sways."""
    rng = np.random.default_rng(seed)
    frames, count = round(30 * seconds), round(16000 * seconds)
    beat = 0.5 + 0.5 * np.sin(2 * np.pi * 2.5 * np.arange(count) / 16000 + seed)
    tone = np.sin(2 * np.pi * (120 + 20 * seed) * np.arange(count) / 16000)
    loud = beat[:: count // frames][:frames].astype(np.float32)
    at = np.arange(frames) / 30
    pose = np.zeros((frames, 6), np.float32)
    for axis, size in enumerate((0.05, 0.08, 0.03, 2.0, 2.0, 1.0)):
        for rate in (0.15, 0.4, 1.1):
            pose[:, axis] += size * np.sin(2 * np.pi * (rate * at + rng.random())) / 2
    expression = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = 0.4 * loud
    half = seconds / 2
    values = {
        "samples": (6000 * beat * tone + rng.normal(0, 30, count)).astype(np.int16),
        "pose": pose,
        "expression": expression,
        "identity": np.linspace(-1, 1, IDENTITY_SIZE, dtype=np.float32),
        "pose_ok": np.ones(frames, bool),
        "face_ok": np.ones(frames, bool),
        "known": np.ones(len(EXPRESSION_NAMES), bool),
        "lip_gap_mm": 10.0 * loud,
        "phone_start_s": np.array([0.0, half], np.float32),
        "phone_end_s": np.array([half, seconds], np.float32),
        "phone": np.array(["m", "aa"]),
        "speaker": "anna",
        "language": "en",
        "source": f"film_{seed}",
        "rights": "own",
        "offset_frames": 0.0,
        "reprojection_px": 0.7,
    }
    return PersonClip(**{**values, **changes})


def write_person(folder: Path, name: str, clip: PersonClip, extractor: str = EXTRACTOR) -> Path:
    """Save a clip with features that carry its loudness."""
    path = folder / f"{name}.npz"
    save_person_clip(path, clip)
    rng = np.random.default_rng(len(name))
    features = rng.normal(0, 1, (clip.frame_count, 29)).astype(np.float32)
    features[:, 3] = clip.lip_gap_mm
    prosody = np.zeros((clip.frame_count, 4), np.float32)
    prosody[:, 1], prosody[:, 2] = 1.0, clip.lip_gap_mm / 5
    np.savez(features_path(path), features=features, prosody=prosody, extractor=np.str_(extractor))
    return path

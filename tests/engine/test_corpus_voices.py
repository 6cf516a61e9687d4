# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthesisers and forced alignment, judged against each other. Skipped where they are missing."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from rhetor.engine.dataset.phones import PHONES, SILENCE, VOWELS, to_arpabet
from rhetor.engine.dataset.utterance import Utterance

TEXT = "Please measure the judge's yellow boat; why should we choose another vision?"


def has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


needs_flite = pytest.mark.skipif(not has_library("libflite.so.1"), reason="flite is not installed")
needs_espeak = pytest.mark.skipif(
    not has_library("libespeak-ng.so.1"), reason="espeak-ng is not installed"
)


def check(spoken: Utterance) -> None:
    assert set(spoken.phone) <= set(PHONES)
    assert len(spoken.edge_s) == len(spoken.phone) + 1 == len(spoken.stress) + 1
    assert np.all(np.diff(spoken.edge_s) >= 0)
    assert spoken.edge_s[-1] == pytest.approx(len(spoken.samples) / 16000)
    loud = np.zeros(len(spoken.samples), bool)
    for start, end, name in zip(spoken.edge_s, spoken.edge_s[1:], spoken.phone, strict=False):
        loud[int(start * 16000) : int(end * 16000)] = name != SILENCE
    power = spoken.samples.astype(np.float64) ** 2
    assert power[loud].mean() > 100 * power[~loud].mean()


@needs_flite
@pytest.mark.parametrize("voice", ["kal16", "slt"])
def test_flite_times_its_phones(voice: str) -> None:
    from rhetor.engine.dataset.flite_voice import FliteSettings, pronounce, synthesise

    spoken = synthesise(TEXT, FliteSettings(voice, 1.0, 120.0))
    check(spoken)
    slow = synthesise(TEXT, FliteSettings(voice, 1.3, 120.0))
    assert len(slow.samples) > 1.15 * len(spoken.samples)
    assert [s >= 0 for s in spoken.stress] == [p in VOWELS for p in spoken.phone]
    assert pronounce("measure") == (["m", "eh", "zh", "er"], [-1, 1, -1, 0])


@needs_espeak
@pytest.mark.parametrize(("language", "variant"), [("en-us", "f2"), ("en-gb-scotland", "m3")])
def test_espeak_times_its_phones(language: str, variant: str) -> None:
    from rhetor.engine.dataset.espeak_voice import EspeakSettings, synthesise

    spoken = synthesise(TEXT, EspeakSettings(language, variant))
    check(spoken)
    assert {"zh", "jh", "y", "sh", "ch", "dh", "oy" if "boy" in TEXT else "ow"} <= set(spoken.phone)


@needs_flite
def test_forced_alignment_finds_the_synthesisers_own_times() -> None:
    pytest.importorskip("pocketsphinx")
    from rhetor.engine.dataset.alignment import ForcedAligner, match_sequences
    from rhetor.engine.dataset.flite_voice import FliteSettings, synthesise

    truth = synthesise(TEXT, FliteSettings("rms", 1.1, 100.0))
    found = ForcedAligner().align(truth.samples, TEXT, "rms", "natural")
    partners = match_sequences(found.phone, truth.phone)
    errors = [
        found.edge_s[i] - truth.edge_s[j]
        for i, j in enumerate(partners)
        if j >= 0 and found.phone[i] == truth.phone[j] != SILENCE
    ]
    assert len(errors) > 0.8 * sum(name != SILENCE for name in truth.phone)
    assert abs(np.median(errors)) < 0.006
    assert np.median(np.abs(errors)) < 0.015


@needs_flite
def test_a_synthetic_corpus_is_built_once_and_repeats(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    from rhetor.engine.dataset.corpus import iterate_clips
    from rhetor.engine.dataset.corpus_build import build_corpus, plan_corpus

    plans = [p for p in plan_corpus(None, 2.0, seed=5) if p.name.startswith("flite")][:2]
    build_corpus(plans, tmp_path / "one", workers=1)
    build_corpus(plans, tmp_path / "two", workers=1)
    for split in ("train", "val"):
        pairs = zip(
            iterate_clips(tmp_path / "one" / split),
            iterate_clips(tmp_path / "two" / split),
            strict=True,
        )
        for (_, first), (_, second) in pairs:
            np.testing.assert_array_equal(first.samples, second.samples)
            assert first.text == second.text and first.duration_s > 5.0
    stamp = [p.stat().st_mtime_ns for p in sorted((tmp_path / "one").rglob("*.npz"))]
    build_corpus(plans, tmp_path / "one", workers=1)
    assert stamp == [p.stat().st_mtime_ns for p in sorted((tmp_path / "one").rglob("*.npz"))]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("AH", "ah"), ("ax", "ah"), ("pau", "sil"), ("+NSN+", "sil"), ("ow1", "ow"), ("SIL", "sil")],
)
def test_names_of_phones(name: str, expected: str) -> None:
    assert to_arpabet(name) == expected

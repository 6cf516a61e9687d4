# SPDX-License-Identifier: GPL-3.0-or-later
"""Building the corpus: what each clip shall hold, then speaking or aligning it.

The plan depends on the seed alone and each clip on its plan alone, so that a build can be
stopped, gone on with, limited or spread over processes, and always gives the same files.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..audio.decode import decode_audio
from ..protocol.errors import RhetorError
from . import espeak_voice, flite_voice
from .alignment import ForcedAligner, stress_of
from .corpus import SPLITS, save_clip
from .espeak_voice import EspeakSettings
from .flite_voice import FliteSettings
from .natural_speech import ReadSentence, read_grid, read_transcripts
from .texts import VAL_SHARE, SentenceSource, spoken_letters
from .utterance import Utterance, join_utterances

_CLIP_TARGET_S = 9.5
_GRID_MIN = 9.0
_CHARACTERS_PER_S = 14.0
_FLITE_SHARE = 0.55


@dataclass(frozen=True)
class ClipPlan:
    """One clip to make: sentences of one speaker, synthetic (texts + settings) or recorded."""

    name: str
    split: str
    seed: int
    settings: FliteSettings | EspeakSettings | None = None
    texts: tuple[str, ...] = ()
    recordings: tuple[ReadSentence, ...] = ()


def plan_corpus(speech: Path | None, synthetic_min: float, seed: int) -> list[ClipPlan]:
    """All clips of the corpus in an order that mixes the sources, so that a prefix is usable."""
    rng = np.random.default_rng(seed)
    count = round(synthetic_min * 60 / 11.0)
    plans = [_plan_synthetic(rng, index, "train") for index in range(count)]
    plans += [_plan_synthetic(rng, index, "val") for index in range(round(count * VAL_SHARE) + 4)]
    if speech is not None:
        sentences = read_transcripts(speech) + read_grid(speech.parent / "tracked", _GRID_MIN)
        plans += _plan_natural(sentences)
    order = rng.permutation(len(plans))
    return [replace(plans[i], seed=seed * 100_003 + int(i)) for i in order]


def build_corpus(plans: Sequence[ClipPlan], output: Path, workers: int) -> None:
    """Make every clip that is not there yet; a clip that cannot be made is told and left out."""
    missing = [p for p in plans if not _path(output, p).exists()]
    started = time.monotonic()
    failed = 0
    make = functools.partial(_make_clip, output=output)
    for done, problem in enumerate(_run(make, missing, workers), start=1):
        if problem:
            failed += 1
            print(f"left out: {problem}", flush=True)
        if done % 20 == 0 or done == len(missing):
            print(f"{done}/{len(missing)} clips  {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(plans) - failed} clips in {output}, {failed} left out.")


def _run(make: Callable[[ClipPlan], str], plans: Sequence[ClipPlan], workers: int) -> Iterator[str]:
    if workers <= 1:
        yield from map(make, plans)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(make, plans)


def _make_clip(plan: ClipPlan, output: Path) -> str:
    """Write one clip; the reason where that fails."""
    try:
        spoken = [_speak(text, plan) for text in plan.texts]
        spoken += [_align(recording) for recording in plan.recordings]
        clip = join_utterances(spoken, np.random.default_rng(plan.seed))
        save_clip(_path(output, plan), clip)
    except RhetorError as error:
        return f"{plan.name}: {error}"
    return ""


def _speak(text: str, plan: ClipPlan) -> Utterance:
    if isinstance(plan.settings, FliteSettings):
        return flite_voice.synthesise(text, plan.settings)
    assert plan.settings is not None
    spoken = espeak_voice.synthesise(text, plan.settings)
    stress = stress_of(spoken.phone, spoken_letters(text).split())
    return replace(spoken, stress=tuple(stress))


def _align(recording: ReadSentence) -> Utterance:
    samples = decode_audio(recording.path).samples
    peak = max(1e-3, float(np.abs(samples).max()))
    pcm = np.round(samples * min(1.0, 0.9 / peak) * 32767).astype(np.int16)
    return _aligner().align(pcm, recording.text, recording.speaker, "natural")


@functools.cache
def _aligner() -> ForcedAligner:
    return ForcedAligner()


def _path(output: Path, plan: ClipPlan) -> Path:
    assert plan.split in SPLITS
    return output / plan.split / f"{plan.name}.npz"


def _plan_synthetic(rng: np.random.Generator, index: int, split: str) -> ClipPlan:
    flite = rng.random() < _FLITE_SHARE
    settings = _flite_settings(rng) if flite else _espeak_settings(rng)
    source = SentenceSource(rng, held_out=split == "val")
    texts: list[str] = []
    while sum(map(len, texts)) < _CLIP_TARGET_S * _CHARACTERS_PER_S:
        texts.append(source.sentence())
    label = settings.voice if isinstance(settings, FliteSettings) else settings.language
    name = f"{'flite' if flite else 'espeak'}_{label}_{index:04d}"
    return ClipPlan(name, split, 0, settings, tuple(texts))


def _flite_settings(rng: np.random.Generator) -> FliteSettings:
    # kal16 joins diphones and sounds least like a person: it gets the smallest share.
    voice = str(rng.choice(["kal16", "awb", "rms", "slt"], p=[0.1, 0.3, 0.3, 0.3]))
    pitch = flite_voice.VOICE_F0_HZ[voice] * float(rng.uniform(0.85, 1.2))
    return FliteSettings(voice, float(rng.uniform(0.85, 1.25)), pitch)


def _espeak_settings(rng: np.random.Generator) -> EspeakSettings:
    weights = [0.35, 0.25, 0.1, 0.1, 0.15, 0.05]
    return EspeakSettings(
        language=str(rng.choice(espeak_voice.LANGUAGES, p=weights)),
        variant=str(rng.choice(espeak_voice.VARIANTS)),
        words_per_min=int(rng.integers(135, 190)),
        pitch=int(rng.integers(30, 70)),
        pitch_range=int(rng.integers(35, 75)),
    )


def _plan_natural(sentences: Sequence[ReadSentence]) -> list[ClipPlan]:
    plans = []
    by_voice = sorted(sentences, key=lambda s: (s.split, s.speaker))
    for (split, speaker), group in itertools.groupby(by_voice, lambda s: (s.split, s.speaker)):
        waiting: list[ReadSentence] = []
        groups = []
        for sentence in group:
            waiting.append(sentence)
            if sum(s.duration_s for s in waiting) >= _CLIP_TARGET_S:
                groups.append(waiting)
                waiting = []
        if waiting:
            groups.append(waiting)
        for index, members in enumerate(groups):
            name = f"natural_{speaker}_{index:04d}"
            plans.append(ClipPlan(name, split, 0, recordings=tuple(members)))
    return plans

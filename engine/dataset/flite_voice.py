# SPDX-License-Identifier: GPL-3.0-or-later
"""The flite synthesiser through its C library: speech with phone times, and its lexicon.

Debian package `libflite1`. Only the calls that the corpus needs are declared.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..protocol.errors import DatasetError
from .phones import VOWELS, to_arpabet
from .utterance import Utterance

VOICE_F0_HZ = {"kal16": 95.0, "awb": 130.0, "rms": 100.0, "slt": 175.0}
"""The voices and a natural mean pitch for each."""

_POINTER = ctypes.c_void_p


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Voice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("features", _POINTER))


@dataclass(frozen=True)
class FliteSettings:
    """How to speak: voice, slowness (1 is the voice's own) and mean pitch."""

    voice: str
    duration_stretch: float
    f0_mean_hz: float


def synthesise(text: str, settings: FliteSettings) -> Utterance:
    """Speak a text. Phone times are the synthesiser's own, exact by construction."""
    core = _core()
    voice = _voice(settings.voice)
    features = ctypes.cast(voice, ctypes.POINTER(_Voice)).contents.features
    core.feat_set_float(features, b"duration_stretch", settings.duration_stretch)
    core.feat_set_float(features, b"int_f0_target_mean", settings.f0_mean_hz)
    # The hiss of its voices comes from the C library's generator: the same text, the same sound.
    ctypes.CDLL(None).srand(1)
    spoken = core.flite_synth_text(text.encode("ascii", "ignore"), voice)
    if not spoken:
        raise DatasetError(f"flite could not speak {text!r}.")
    try:
        return _read_utterance(core, spoken, text, settings.voice)
    finally:
        core.delete_utterance(spoken)


def pronounce(word: str) -> tuple[list[str], list[int]]:
    """Phones and stresses (-1 where no vowel) of a word: lexicon, or letter-to-sound rules."""
    core = _core()
    cell = core.lex_lookup(_lexicon(), word.lower().encode("ascii", "ignore"), None, None)
    phones, stresses = [], []
    while cell:
        name = core.val_string(core.val_car(cell)).decode()
        phone = to_arpabet(name)
        phones.append(phone)
        stresses.append(int(name[-1] == "1") if phone in VOWELS else -1)
        cell = core.val_cdr(cell)
    return phones, stresses


def _read_utterance(core: ctypes.CDLL, spoken: int, text: str, voice: str) -> Utterance:
    wave = core.utt_wave(spoken).contents
    samples: npt.NDArray[np.int16] = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
    # A diphone voice ends in the middle of its last pause: times beyond the sound are cut.
    length_s = wave.num_samples / wave.sample_rate
    names, stresses, ends = [], [], []
    item = core.relation_head(core.utt_relation(spoken, b"Segment"))
    while item:
        phone = to_arpabet(core.ffeature_string(item, b"name").decode())
        stress = core.ffeature_string(item, b"R:SylStructure.parent.stress") == b"1"
        names.append(phone)
        stresses.append(int(stress) if phone in VOWELS else -1)
        ends.append(min(core.ffeature_float(item, b"end"), length_s))
        item = core.item_next(item)
    return Utterance.from_ends(
        samples,
        ends,
        phone=names,
        stress=stresses,
        text=text,
        speaker=f"flite_{voice}",
        source="flite",
    )


@functools.cache
def _core() -> ctypes.CDLL:
    try:
        core = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL("libflite_cmulex.so.1", mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL("libflite_usenglish.so.1", mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise DatasetError(
            f"flite is missing ({error}).", "Install it: apt-get install flite libflite1"
        ) from error
    for name in ("val_car", "val_cdr", "relation_head", "item_next"):
        _declare(core, name, _POINTER, _POINTER)
    _declare(core, "val_string", ctypes.c_char_p, _POINTER)
    _declare(core, "lex_lookup", _POINTER, _POINTER, ctypes.c_char_p, ctypes.c_char_p, _POINTER)
    _declare(core, "flite_synth_text", _POINTER, ctypes.c_char_p, _POINTER)
    _declare(core, "delete_utterance", None, _POINTER)
    _declare(core, "utt_relation", _POINTER, _POINTER, ctypes.c_char_p)
    _declare(core, "utt_wave", ctypes.POINTER(_Wave), _POINTER)
    _declare(core, "ffeature_string", ctypes.c_char_p, _POINTER, ctypes.c_char_p)
    _declare(core, "ffeature_float", ctypes.c_float, _POINTER, ctypes.c_char_p)
    _declare(core, "feat_set_float", None, _POINTER, ctypes.c_char_p, ctypes.c_float)
    core.flite_init()
    return core


def _declare(core: ctypes.CDLL, name: str, result: object, *arguments: object) -> None:
    function = getattr(core, name)
    function.restype = result
    function.argtypes = arguments


@functools.cache
def _voice(name: str) -> int:
    _core()
    library = ctypes.CDLL(f"libflite_cmu_us_{name}.so.1")
    register = getattr(library, f"register_cmu_us_{name}")
    register.restype = _POINTER
    register.argtypes = (_POINTER,)
    voice = register(None)
    if not voice:
        raise DatasetError(f"flite has no voice {name}.")
    return int(voice)


@functools.cache
def _lexicon() -> int:
    _core()
    library = ctypes.CDLL("libflite_cmulex.so.1")
    library.cmu_lex_init.restype = _POINTER
    return int(library.cmu_lex_init())

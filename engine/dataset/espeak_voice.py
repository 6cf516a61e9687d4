# SPDX-License-Identifier: GPL-3.0-or-later
"""The espeak-ng synthesiser through its C library: many voices with phoneme events.

Debian package `libespeak-ng1`. Its phoneme names are mapped to ARPAbet here.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from ..protocol.errors import DatasetError
from .utterance import Utterance

LANGUAGES = ("en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
VARIANTS = (
    *("", "m1", "m2", "m3", "m4", "m5", "m7", "f1", "f2", "f3", "f4", "f5", "Andrea", "Alicia"),
    *("belinda", "linda", "steph", "Annie", "adam", "boris", "david", "Mike", "Lee", "max"),
)
"""Variants that sound like persons; the robots, the whispers and the demons are left out."""

_RATE_HZ = 22050
_SYNCHRONOUS_RETRIEVAL = 2
_PHONEME_EVENTS = 1
_EVENT_END, _EVENT_PHONEME = 0, 7
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_RANGE = 1, 3, 4

_PHONES: dict[str, str] = {
    **{name: name for name in ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v")},
    **{"w": "w", "z": "z", "h": "hh", "D": "dh", "T": "th", "S": "sh", "Z": "zh", "N": "ng"},
    **{"j": "y", "tS": "ch", "dZ": "jh", "t2": "t", "t#": "t", "d#": "d", "z#": "z", "x": "k"},
    **{"n-": "n", "l#": "l", "r-": "r", "?": "t", "w#": "w", "m-": "m", "l/2": "l", "l/": "l"},
    **{"@": "ah", "@2": "ah", "@5": "uh", "@L": "ah l", "@-": "ah", "3": "er", "3:": "er"},
    **{"I": "ih", "I2": "ih", "I#": "ih", "i": "iy", "i:": "iy", "i2": "iy", "E": "eh"},
    **{"E2": "eh", "E#": "eh", "e": "eh", "e:": "ey", "a": "ae", "a2": "ae", "a#": "ah"},
    **{"aa": "ae", "A": "aa", "A:": "aa", "A@": "aa", "A#": "aa", "A2": "aa", "0": "aa"},
    **{"0#": "aa", "02": "aa", "O": "ao", "O:": "ao", "O@": "ao", "o@": "ao", "O2": "ao"},
    **{"o:": "ow", "o": "ow", "oU": "ow", "oU#": "ow", "V": "ah", "V2": "ah", "u": "uw"},
    **{"u:": "uw", "U": "uh", "e@": "eh", "i@": "ih", "i@3": "ih", "U@": "uh", "aI": "ay"},
    **{"aI@": "ay ah", "aI3": "ay er", "eI": "ey", "OI": "oy", "aU": "aw", "aU@": "aw ah"},
    **{"IR": "er", "VR": "er", "ER": "er", "aU3": "aw er", "oI": "oy", "EI": "ey", "&": "ae"},
    **{"a:": "aa", "ai": "ay", "O1": "ao", "u#": "uw", "y": "uw", "Y": "uw", "eU": "ow"},
}
_RHOTIC_ENDS = ("A@", "O@", "o@", "e@", "i@", "i@3", "U@")
_SILENCES = ("_", "_:", "_|", "_!", "")


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


@dataclass(frozen=True)
class EspeakSettings:
    """How to speak: language, variant, words a minute, pitch and its range (0 to 100)."""

    language: str
    variant: str
    words_per_min: int = 165
    pitch: int = 50
    pitch_range: int = 50


def synthesise(text: str, settings: EspeakSettings) -> Utterance:
    """Speak a text. Phone times are the synthesiser's own events; stress is left unknown (-1)."""
    engine = _engine()
    name = f"{settings.language}+{settings.variant}" if settings.variant else settings.language
    engine.set_voice(name)
    engine.set_parameter(_PARAMETER_RATE, settings.words_per_min)
    engine.set_parameter(_PARAMETER_PITCH, settings.pitch)
    engine.set_parameter(_PARAMETER_RANGE, settings.pitch_range)
    sound, events = engine.speak(text)
    rhotic = settings.language.startswith("en-us")
    names: list[str] = []
    ends: list[float] = []
    for index, (start, mnemonic) in enumerate(events):
        end = events[index + 1][0] if index + 1 < len(events) else len(sound)
        parts = _arpabet(mnemonic, rhotic)
        if not parts:  # a mark on the phone before
            ends[-1:] = [end / _RATE_HZ]
            continue
        # In a pair such as a vowel and its r, the first one is the longer.
        shares = (1.0,) if len(parts) == 1 else (0.65, 1.0)
        names += parts
        ends += [(start + share * (end - start)) / _RATE_HZ for share in shares]
    samples = resample_poly(sound.astype(np.float32), 320, 441)
    level = 0.7 * 32767 / max(1.0, float(np.abs(samples).max()))
    samples = np.round(samples * min(level, 1.0)).astype(np.int16)
    return Utterance.from_ends(
        samples,
        ends,
        phone=names,
        stress=[-1] * len(names),
        text=text,
        speaker=f"espeak_{name}",
        source="espeak",
    )


def _arpabet(mnemonic: str, rhotic: bool) -> list[str]:
    if mnemonic in _SILENCES:
        return ["sil"]
    if mnemonic in (";", ":", "'", ","):
        return []
    phones = _PHONES.get(mnemonic) or _PHONES.get(mnemonic.rstrip("0123456789#-:["))
    if phones is None:
        raise DatasetError(f"espeak-ng's phoneme {mnemonic!r} has no ARPAbet name here.")
    parts = phones.split()
    return [*parts, "r"] if rhotic and mnemonic in _RHOTIC_ENDS else parts


class _Engine:
    """The library, which holds one state for the whole process."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise DatasetError(
                f"espeak-ng is missing ({error}).", "Install it: apt-get install espeak-ng"
            ) from error
        rate = self._library.espeak_Initialize(_SYNCHRONOUS_RETRIEVAL, 0, None, _PHONEME_EVENTS)
        if rate != _RATE_HZ:
            raise DatasetError(f"espeak-ng works at {rate} Hz, not at {_RATE_HZ} Hz.")
        self._sound: list[npt.NDArray[np.int16]] = []
        self._events: list[tuple[int, str]] = []
        kind = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        # Kept as an attribute: the library calls it long after this constructor.
        self._callback: Callable[..., Any] = kind(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def set_voice(self, name: str) -> None:
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise DatasetError(f"espeak-ng has no voice {name}.")

    def set_parameter(self, parameter: int, value: int) -> None:
        self._library.espeak_SetParameter(parameter, value, 0)

    def speak(self, text: str) -> tuple[npt.NDArray[np.int16], list[tuple[int, str]]]:
        """Samples at 22,050 Hz and (first sample, mnemonic) of every phoneme."""
        self._sound.clear()
        self._events.clear()
        data = text.encode()
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, 1, None, None)
        if not self._sound or not self._events:
            raise DatasetError(f"espeak-ng could not speak {text!r}.")
        return np.concatenate(self._sound), list(self._events)

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if count > 0 and wave:
            self._sound.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                name = bytes(event.id.string).split(b"\0")[0].decode()
                self._events.append((event.sample, name))
            index += 1
        return 0


@functools.cache
def _engine() -> _Engine:
    return _Engine()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the screen, and where on them a text is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from rhetor.tests.ui.blender_place import BlenderPlace

_ENLARGED = 3
_STROKES_PX = 9
_READINGS = (("4", 15), ("11", 30))
"""How tesseract looks for text, in a column or anywhere, and below which contrast there is none.

Each misses what the other finds: grey texts are faint, outlines of fields look like letters.
"""

_LIKENESS = 0.8
_WIDEST_GAP_PX = 24
_LEAST_DIFFERENCE = 24


@dataclass(frozen=True)
class Box:
    """A rectangle on the screen in pixels, from the top left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def centre(self) -> tuple[int, int]:
        """Its middle."""
        return self.x + self.width // 2, self.y + self.height // 2

    @property
    def right(self) -> int:
        """The first column that is no longer in it."""
        return self.x + self.width

    def wider_by(self, x: int, y: int) -> Box:
        """A box that is larger by so much on each side."""
        return Box(self.x - x, self.y - y, self.width + 2 * x, self.height + 2 * y)

    def crop(self, picture: Image.Image) -> Image.Image:
        """This part of a picture of the screen."""
        return picture.crop((self.x, self.y, self.x + self.width, self.y + self.height))


@dataclass(frozen=True)
class Word:
    """A word that was read and where it is."""

    text: str
    box: Box


def read_screen(buffer: Path) -> Image.Image:
    """The screen as it is now, from the X server's own memory (X window dump, 32 bits a pixel)."""
    data = buffer.read_bytes()
    header = struct.unpack(">25I", data[:100])
    header_size, width, height, line_bytes, colours = (header[i] for i in (0, 4, 5, 12, 19))
    start = header_size + 12 * colours
    rows = np.frombuffer(data, np.uint8, line_bytes * height, start).reshape(height, line_bytes)
    pixels = rows[:, : width * 4].reshape(height, width, 4)[:, :, 2::-1]
    return Image.fromarray(np.ascontiguousarray(pixels))


def differs(one: Image.Image, other: Image.Image) -> bool:
    """Whether a person would see a difference."""
    a, b = (np.asarray(picture.convert("L"), np.int16) for picture in (one, other))
    return bool((np.abs(a - b) > _LEAST_DIFFERENCE).sum() > 20)


def find_text(
    place: BlenderPlace, picture: Image.Image, phrase: str, at: tuple[int, int]
) -> Box | None:
    """Where a text is on a picture whose top left corner is at that point; None where it is not."""
    for reading in _READINGS:
        found = find_phrase(_read_words(place, picture, reading, at), phrase)
        if found is not None:
            return found
    return None


def lowest_text(place: BlenderPlace, picture: Image.Image) -> int:
    """The row where the lowest word on a picture ends; 0 where there is none."""
    words = _read_words(place, picture, _READINGS[0], (0, 0))
    return max((w.box.y + w.box.height for w in words if w.text.isalpha()), default=0)


def find_phrase(words: list[Word], phrase: str) -> Box | None:
    """Where neighbouring words on one line come nearest to a phrase; None where none is near."""
    count = len(phrase.split())
    best: tuple[float, Box | None] = (_LIKENESS, None)
    for first in range(len(words) - count + 1):
        run = words[first : first + count]
        if any(_are_apart(a, b) for a, b in pairwise(run)):
            continue
        read = " ".join(word.text for word in run).strip("|[]()<>_*'\"‘’ ")
        likeness = SequenceMatcher(None, read, phrase).ratio()
        if likeness > best[0]:
            best = (likeness, _around([word.box for word in run]))
    return best[1]


def _read_words(
    place: BlenderPlace, picture: Image.Image, reading: tuple[str, int], at: tuple[int, int]
) -> list[Word]:
    segmentation, faint = reading
    path = place.lab / "words.png"
    ink = _ink(picture, faint)
    size = (ink.width * _ENLARGED, ink.height * _ENLARGED)
    ink.resize(size, Image.Resampling.LANCZOS).save(path)
    command = ["tesseract", str(path), "-", "--psm", segmentation, "tsv"]
    rows = [r.split("\t") for r in place.output(command, OMP_THREAD_LIMIT="1").splitlines()[1:]]
    return [_word(row, at) for row in rows if len(row) == 12 and row[11].strip()]


def save_small(picture: Image.Image, path: Path) -> None:
    """A PNG of few bytes: with 255 colours, mixed where skin needs more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    palette = picture.quantize(255, kmeans=2)
    few = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    few.save(path, optimize=True)


def _ink(picture: Image.Image, faint: int) -> Image.Image:
    """Letters in black on white, whatever the theme: what is unlike its surroundings."""
    around = picture.filter(ImageFilter.MedianFilter(_STROKES_PX))
    red, green, blue = ImageChops.difference(picture, around).split()
    ink = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return ImageOps.invert(ink.point([max(0, min(255, 3 * (x - faint))) for x in range(256)]))


def _word(row: list[str], at: tuple[int, int]) -> Word:
    x, y, width, height = (int(value) // _ENLARGED for value in row[6:10])
    return Word(row[11], Box(x + at[0], y + at[1], width, height))


def _are_apart(a: Word, b: Word) -> bool:
    return abs(a.box.centre[1] - b.box.centre[1]) > 6 or not (
        -4 <= b.box.x - a.box.right <= _WIDEST_GAP_PX
    )


def _around(boxes: list[Box]) -> Box:
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.right for b in boxes), max(b.y + b.height for b in boxes)
    return Box(left, top, right - left, bottom - top)


def as_array(picture: Image.Image) -> Any:
    """Grey values, (height, width) uint8."""
    return np.asarray(picture.convert("L"))

# SPDX-License-Identifier: GPL-3.0-or-later
"""When each phone of a known text is said in a recording."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ..audio.decode import SAMPLE_RATE_HZ
from ..protocol.errors import DatasetError
from .clip_cutting import PhoneTimes, Samples

if TYPE_CHECKING:
    from .alignment import ForcedAligner

LONGEST_S = 60.0
"""The aligner searches every path: longer recordings take it gigabytes."""


def align_phones(samples: Samples, text: str, speaker: str) -> PhoneTimes:
    """Phone times of a text in the samples (S,) of a whole recording.

    Raises DatasetError where the text does not fit, the recording is too long or the aligner is
    not installed.
    """
    if len(samples) > LONGEST_S * SAMPLE_RATE_HZ:
        raise DatasetError("The recording is too long to be aligned with its text.")
    said = _aligner().align(samples, text, speaker, "")
    start, end = said.edge_s[:-1].astype(np.float32), said.edge_s[1:].astype(np.float32)
    return PhoneTimes(start, end, np.array(said.phone))


@functools.cache
def _aligner() -> ForcedAligner:
    try:
        from .alignment import ForcedAligner
    except ModuleNotFoundError as error:
        raise DatasetError(
            f"Phone times need the Python package {error.name}.",
            "Install Rhetor's training dependencies: pip install rhetor[training].",
        ) from error
    return ForcedAligner()

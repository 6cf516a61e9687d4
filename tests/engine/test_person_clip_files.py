# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of training material that were cut off are refused with advice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhetor.engine.dataset.corpus import load_clip
from rhetor.engine.dataset.person_clip import load_person_clip
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.tracking.landmark_track import load_landmark_track


@pytest.mark.parametrize("load", [load_clip, load_person_clip, load_landmark_track])
@pytest.mark.parametrize("kept", [0, 3, 40, 200])
def test_a_cut_off_file_is_refused(load: Callable[[Path], Any], kept: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.npz"
    np.savez_compressed(path, samples=np.arange(5000), landmarks=np.zeros((9, 478, 3)))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DatasetError, match=r"clip\.npz"):
        load(path)

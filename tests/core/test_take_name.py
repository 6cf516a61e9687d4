# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of takes say what was asked for and fit in Blender's names."""

from hypothesis import given
from hypothesis import strategies as st

from rhetor.addon.core.take_name import MAX_NAME_BYTES, take_name


def test_a_name_holds_recording_style_and_seed() -> None:
    assert take_name("speech", "lively", 7) == "speech lively s7"


@given(st.text(max_size=200), st.sampled_from(["neutral", "lively"]), st.integers(0, 2**31 - 1))
def test_a_name_fits_and_keeps_style_and_seed(stem: str, style: str, seed: int) -> None:
    stem = stem.encode("utf-8", errors="ignore").decode("utf-8")
    name = take_name(stem, style, seed)
    assert len(name.encode("utf-8")) <= MAX_NAME_BYTES
    assert name.endswith(f"{style} s{seed}")


def test_a_long_name_is_cut_between_characters() -> None:
    name = take_name("ф" * 100, "neutral", 0)
    assert name.startswith("ф" * 20) and "�" not in name

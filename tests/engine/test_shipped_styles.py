# SPDX-License-Identifier: GPL-3.0-or-later
"""The styles that ship: pictures of all, and files of people whose recordings allow it."""

import pytest
import torch

from rhetor.engine import styles
from rhetor.engine.protocol.weights_header import read_description
from rhetor.engine.style_file import load_style

FILES = sorted(styles.SHIPPED_STYLES_DIR.glob(f"*{styles.STYLE_SUFFIX}"))
EXTRACTOR = read_description(styles.WEIGHTS_DIR / "features.safetensors")["id"]


def test_every_shipped_style_has_words_and_a_picture():
    entries = [entry for entry in styles.installed_styles() if entry.shipped]
    assert len(entries) >= 5 and all(entry.is_usable for entry in entries)
    for entry in entries:
        content = entry.thumbnail.read_bytes()
        assert entry.label and entry.description
        assert int.from_bytes(content[16:20], "big") == int.from_bytes(content[20:24], "big") == 256
        assert len(content) < 40_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_people_work_and_may_be_given_away(path):
    style = load_style(path, torch.device("cpu"), EXTRACTOR)
    training = style.description["training"]
    assert training["rights"] == ["open"] and training["attribution"]
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert training["attribution"] in card
    assert style.pose_row in style.posegan.styles and style.face_row in style.pgface.styles

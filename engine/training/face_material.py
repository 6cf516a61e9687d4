# SPDX-License-Identifier: GPL-3.0-or-later
"""What PGFace is trained on, in memory: frames of performed and of real faces, drawn in pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ..dataset.face_clips import REAL, FaceClip
from ..dataset.facial_style import PERSONALITIES
from ..head.channels import EXPRESSION_NAMES
from ..pgface.config import STYLE_NAMES, WINDOW
from ..pgface.losses import FaceBatch
from ..pgface.synthesizer import pad_frames
from ..posegan.synthesizer import PoseSynthesizer
from ..protocol.errors import DatasetError
from ..protocol.take import FloatArray

_TARGETS = ("expression", "identity", "closed", "silent", "gap_mm", "known", "identity_known")


class FaceMaterial:
    """All frames of all clips; windows are cut out by index.

    posegan: where given, real clips and one in four of the performed ones also get the head motion
    that PoseGAN makes for them. styles: rows of the style table by name; others are neutral.
    """

    def __init__(
        self,
        clips: Iterable[FaceClip],
        posegan: PoseSynthesizer | None = None,
        styles: Sequence[str] = STYLE_NAMES,
    ) -> None:
        rows = {name: row for row, name in enumerate(styles)}
        columns: dict[str, list[torch.Tensor]] = {}
        firsts: dict[str, list[torch.Tensor]] = {}
        generated: dict[str, list[torch.Tensor]] = {}
        windows: list[torch.Tensor] = []
        known: list[torch.Tensor] = []
        real: list[torch.Tensor] = []
        frames_before, rows_before = 0, 0
        for number, clip in enumerate(clips):
            frames = len(clip.speech)
            if frames < 2:
                continue
            for name, values in _clip_columns(clip, rows).items():
                columns.setdefault(name, []).append(values)
            tracked = np.ones(frames, bool) if clip.tracked is None else clip.tracked
            pairs = torch.from_numpy(frames_before + np.flatnonzero(tracked[:-1] & tracked[1:]))
            origin = clip.style if clip.source == REAL else ""
            firsts.setdefault(origin, []).append(pairs)
            if posegan is not None:
                pose = torch.from_numpy(clip.pose)
                if origin or _is_in_turn(number):
                    pose = _generated_pose(posegan, clip, number)
                    generated.setdefault(origin, []).append(pairs)
                columns.setdefault("generated", []).append(pad_frames(pose))
            windows.append(torch.arange(rows_before, rows_before + frames))
            known.append(torch.from_numpy(_known_pose(clip)))
            real.append(torch.full((frames,), bool(origin)))
            frames_before += frames
            rows_before += frames + WINDOW - 1
        if not firsts:
            raise DatasetError("There is nothing to train on.", "Build the corpus first.")
        self.columns = {name: torch.cat(parts) for name, parts in columns.items()}
        self.pose_known, self.is_real = torch.cat(known), torch.cat(real)
        self._first = {origin: torch.cat(parts) for origin, parts in firsts.items()}
        self._first_generated = {origin: torch.cat(parts) for origin, parts in generated.items()}
        self.window_row = torch.cat(windows)
        self._offsets = torch.arange(WINDOW)

    @property
    def frame_count(self) -> int:
        """All frames."""
        return len(self.window_row)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Real people among them."""
        return tuple(origin for origin in self._first if origin)

    def draw(self, pairs: int, generated: bool = False, real: float = 0.5) -> torch.Tensor:
        """(N, 2) frame indices of random consecutive pairs, from torch's random numbers.

        generated: only from clips whose head motion PoseGAN made, where there are any. real: share
        of the pairs that are of real people, where there are both kinds; each of them is drawn in
        proportion to the root of their frames.
        """
        choice = self._first_generated if generated and self._first_generated else self._first
        origins = list(choice)
        amounts = torch.tensor([float(len(choice[o])) ** 0.5 if o else 0.0 for o in origins])
        share = torch.zeros(len(origins)) if amounts.sum() == 0 else amounts / amounts.sum()
        if "" in choice:
            share = share * real if share.sum() else share
            share[origins.index("")] = 1.0 - share.sum()
        kinds = torch.multinomial(share, pairs, replacement=True)
        first = torch.empty(pairs, dtype=torch.long)
        for number, origin in enumerate(origins):
            mine = kinds == number
            count = int(mine.sum())
            first[mine] = choice[origin][torch.randint(len(choice[origin]), (count,))]
        return torch.stack([first, first + 1], 1)

    def windows(self, name: str, frames: torch.Tensor) -> torch.Tensor:
        """(B, C, 16) windows of a padded column around frames (B,)."""
        rows = self.window_row[frames][:, None] + self._offsets
        return self.columns[name][rows].transpose(1, 2)

    def targets(self, frames: torch.Tensor) -> FaceBatch:
        """What pairs (N, 2) aim at."""
        return FaceBatch(**{name: self.columns[name][frames] for name in _TARGETS})


def _is_in_turn(number: int) -> bool:
    """Whether a performed clip is the one of its recording's that gets a generated pose."""
    count = len(PERSONALITIES)
    return number % count == number // count % count


def _known_pose(clip: FaceClip) -> npt.NDArray[np.bool_]:
    """(T,) whether the head was tracked at a frame."""
    return np.ones(len(clip.speech), bool) if clip.pose_known is None else clip.pose_known


def _clip_columns(clip: FaceClip, rows: Mapping[str, int]) -> dict[str, torch.Tensor]:
    frames = len(clip.speech)
    known = np.ones(len(EXPRESSION_NAMES), bool) if clip.known is None else clip.known
    padded = {
        "inputs": np.concatenate([clip.pose, clip.speech], axis=1),
        "prosody": clip.prosody,
    }
    plain: dict[str, FloatArray] = {
        **{name: getattr(clip, name) for name in ("expression", "closed", "silent")},
        "gap_mm": np.full(frames, np.nan, np.float32) if clip.gap_mm is None else clip.gap_mm,
    }
    return (
        {name: pad_frames(torch.from_numpy(values)) for name, values in padded.items()}
        | {name: torch.from_numpy(values) for name, values in plain.items()}
        | {
            "identity": torch.from_numpy(clip.identity).expand(frames, -1),
            "identity_known": torch.full((frames,), clip.identity_known),
            "known": torch.from_numpy(known).expand(frames, -1),
            "style": torch.full((frames,), rows.get(clip.style, 0)),
        }
    )


def _generated_pose(posegan: PoseSynthesizer, clip: FaceClip, seed: int) -> torch.Tensor:
    style = (
        clip.style if clip.style in posegan.styles else posegan.styles[seed % len(posegan.styles)]
    )
    return torch.from_numpy(posegan.generate(clip.speech, clip.prosody, style, seed=seed))

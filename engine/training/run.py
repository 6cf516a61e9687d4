# SPDX-License-Identifier: GPL-3.0-or-later
"""One training run: its folder, its logs, its checkpoints, and how it goes on after a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.tensorboard.writer import SummaryWriter


class Stateful(Protocol):
    """Anything whose state can be saved and restored (modules, optimisers, EMA)."""

    def state_dict(self) -> dict[str, Any]:
        """The state as plain containers of tensors and numbers."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Restore what `state_dict` gave."""


class TrainingRun:
    """Holds the named parts of a run and saves or restores all of them with the step and the RNG.

    A run started again in the same folder goes on exactly where its last checkpoint stood.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], parts: Mapping[str, Stateful]):
        self.folder = folder
        self.parts = dict(parts)
        self.step = 0
        self._started_s = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(dict(config), indent=2, sort_keys=True))
        self._checkpoint = folder / "last.pt"
        if self._checkpoint.exists():
            self._restore()
        self._writer = SummaryWriter(str(folder / "log"), purge_step=self.step)

    def log(self, values: Mapping[str, float]) -> None:
        """Write scalars at the current step to TensorBoard and one line to the terminal."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, self.step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(
            f"step {self.step:6d}  {time.monotonic() - self._started_s:6.0f} s  {shown}", flush=True
        )

    def save(self) -> None:
        """Write the checkpoint in one step: a kill leaves the old one or the new one, whole."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        partial = self._checkpoint.with_suffix(".partial")
        torch.save({"step": self.step, "rng": torch.get_rng_state(), "parts": state}, partial)
        partial.replace(self._checkpoint)
        self._writer.flush()

    def _restore(self) -> None:
        saved = torch.load(self._checkpoint, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        self.step = int(saved["step"])
        torch.set_rng_state(saved["rng"])


class ExponentialAverage:
    """Running average of a module's weights; what is shipped and judged."""

    def __init__(self, module: nn.Module, decay: float):
        self.decay = decay
        self.average = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average towards the module's present weights; counters are copied."""
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1.0 - self.decay)
            else:
                self.average[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """The averaged weights, loadable into the module."""
        return self.average

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Restore the average."""
        self.average = {k: v.clone() for k, v in state_dict.items()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""One training run: its folder, its logs, its checkpoints, and how it goes on after a kill."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.utils.tensorboard.writer import SummaryWriter

from ..protocol.errors import ConfigError
from . import distributed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKPOINT_NAME = "last.pt"
CONFIG_NAME = "config.json"

CHANGEABLE = (
    *("steps", "patience", "device", "precision"),
    *("log_every", "save_every", "checkpoint_every", "plot_every", "evaluate_every"),
)
"""Settings that a run may be gone on with changed: they do not alter the steps already done."""


class Stateful(Protocol):
    """Anything whose state can be saved and restored (modules, optimisers, EMA)."""

    def state_dict(self) -> dict[str, Any]:
        """The state as plain containers of tensors and numbers."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Restore what `state_dict` gave."""


class TrainingRun:
    """Holds the named parts of a run and saves or restores all of them with the step and the RNGs.

    A run started again in the same folder goes on exactly where its last checkpoint stood, to the
    last bit, provided that all its random numbers come from torch's default generators, from
    `generators`, or from the seed and the step. `config` is kept in the folder; another one than
    the checkpoint was made with (CHANGEABLE settings apart) raises ConfigError with the
    difference. With several processes every one calls every method; the first one writes.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        parts: Mapping[str, Stateful],
        generators: Mapping[str, np.random.Generator] | None = None,
    ):
        self.folder = folder
        self.parts = dict(parts)
        self.generators = dict(generators or {})
        self.step = 0
        self._started_s = time.monotonic()
        self._checkpoint = folder / CHECKPOINT_NAME
        if distributed.is_first():
            folder.mkdir(parents=True, exist_ok=True)
        resumes = distributed.agree(self._checkpoint.exists())
        if resumes:
            _check_config(folder / CONFIG_NAME, config)
            self._restore()
        distributed.broadcast(_tensors_of(self.parts.values()))
        self._writer: SummaryWriter | None = None
        if distributed.is_first():
            (folder / CONFIG_NAME).write_text(_config_text(config), encoding="utf-8")
            self._writer = SummaryWriter(str(folder / "log"), purge_step=self.step)

    def log(self, values: Mapping[str, float]) -> None:
        """Write scalars at the current step to TensorBoard and one line to the terminal."""
        if self._writer is None:
            return
        for name, value in values.items():
            self._writer.add_scalar(name, value, self.step)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        print(
            f"step {self.step:6d}  {time.monotonic() - self._started_s:6.0f} s  {shown}", flush=True
        )

    def plot(self, name: str, figure: Figure) -> None:
        """Show a figure at the current step in TensorBoard."""
        if self._writer is not None:
            self._writer.add_figure(name, figure, self.step, close=False)

    def save(self) -> None:
        """Write the checkpoint in one step: a kill leaves the old one or the new one, whole."""
        distributed.broadcast(_tensors_of(self.parts.values()))  # batch statistics differ
        random = distributed.gather(_random_state(self.generators))
        if self._writer is None:
            return
        state = {name: part.state_dict() for name, part in self.parts.items()}
        partial = self._checkpoint.with_suffix(".partial")
        torch.save({"step": self.step, "random": random, "parts": state}, partial)
        partial.replace(self._checkpoint)
        self._writer.flush()

    def close(self) -> None:
        """Write out the logs; the run is over."""
        if self._writer is not None:
            self._writer.close()

    def _restore(self) -> None:
        saved = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        self.step = int(saved["step"])
        if "random" not in saved:  # a checkpoint of the first release
            torch.set_rng_state(saved["rng"])
        elif distributed.rank() < len(saved["random"]):
            _set_random_state(saved["random"][distributed.rank()], self.generators)


def _random_state(generators: Mapping[str, np.random.Generator]) -> dict[str, Any]:
    on_cards = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "torch": torch.get_rng_state(),
        "cuda": on_cards,
        # As text: the states hold integers of 128 bits.
        "numpy": {name: json.dumps(g.bit_generator.state) for name, g in generators.items()},
    }


def _set_random_state(
    state: Mapping[str, Any], generators: Mapping[str, np.random.Generator]
) -> None:
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    for name, generator in generators.items():
        generator.bit_generator.state = json.loads(state["numpy"][name])


def _tensors_of(parts: Iterable[Stateful]) -> Iterable[torch.Tensor]:
    """Weights and buffers, and averages of them; optimisers are equal where gradients were."""
    for part in parts:
        if isinstance(part, nn.Module | ExponentialAverage):
            yield from part.state_dict().values()


def _config_text(config: Mapping[str, Any]) -> str:
    return json.dumps(dict(config), indent=2, sort_keys=True) + "\n"


def _check_config(path: Path, config: Mapping[str, Any]) -> None:
    """Raises ConfigError where the run in the folder was begun with other settings."""
    if not path.exists():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    then, now = (
        _config_text(_fixed(c)).splitlines() for c in (before, json.loads(_config_text(config)))
    )
    lines = difflib.unified_diff(then, now, lineterm="", n=0)
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    if changed:
        shown = "\n".join(changed)
        raise ConfigError(
            f"The run in {path.parent} was begun with other settings (- then, + now):\n{shown}\n",
            "Use the settings of then, or another folder.",
        )


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _fixed(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in CHANGEABLE
    }


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
        self.average = {k: v.to(self.average[k].device, copy=True) for k, v in state_dict.items()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a training computes, and how it gets faster on a GPU: mixed precision, compiled networks.

On a CPU none of it is used, and the numbers are those of plain PyTorch. The CUDA side has been
written by the book but not yet run on a card.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import nn

from ..device import choose_device
from ..protocol.errors import ConfigError
from . import distributed

Function = TypeVar("Function", bound=Callable[..., Any])
Value = TypeVar("Value")

PRECISIONS = ("auto", "full", "bf16", "fp16")


def training_device(name: str) -> torch.device:
    """The device of that name. Raises DeviceError where it cannot be used."""
    if name == "auto":  # never MPS unasked: it lacks some of the losses
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return choose_device(name)


class Acceleration:
    """Device, precision and compilation of one training; part of its checkpoint.

    device: "cpu", "cuda", "mps", or "auto": CUDA where there is some, else the CPU. precision:
    "full" is float32; "auto" takes bf16 where the card knows it, else fp16; the CPU and MPS always
    use "full" then. compiles: whether `compiled` compiles; None: on CUDA only.
    """

    def __init__(
        self, device: str = "cpu", precision: str = "auto", compiles: bool | None = None
    ) -> None:
        if precision not in PRECISIONS:
            raise ConfigError(
                f"There is no precision {precision!r}.", f"Use one of {', '.join(PRECISIONS)}."
            )
        self.device = training_device(device)
        on_cuda = self.device.type == "cuda"
        if precision == "auto":
            precision = "full"
            if on_cuda:
                precision = "bf16" if torch.cuda.is_bf16_supported() else "fp16"
        self._type = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self._compiles = on_cuda if compiles is None else compiles

    def compiled(self, function: Function) -> Function:
        """A network or one of its methods, compiled where that is on; weights stay shared."""
        return torch.compile(function) if self._compiles else function  # type: ignore[return-value]

    def autocast(self) -> AbstractContextManager[Any]:
        """The context in which networks and losses are computed."""
        if self._type is None:
            return nullcontext()
        return torch.autocast(self.device.type, self._type)

    def update(
        self,
        loss: torch.Tensor,
        optimiser: torch.optim.Optimizer,
        clip: Iterable[nn.Parameter] = (),
        largest_norm: float = 0.0,
    ) -> None:
        """One optimiser step down the loss: backward, mean over processes, clipping, step.

        clip: parameters whose gradient's norm is limited to `largest_norm`.
        """
        optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        distributed.average_gradients(parameters)
        clipped = list(clip)
        if clipped:
            self._scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(clipped, largest_norm)
        self._scaler.step(optimiser)
        self._scaler.update()

    def move(self, value: Value) -> Value:
        """Tensors, and dataclasses, lists and tuples of them, on the device; others as they are."""
        if self.device.type == "cpu":
            return value
        moved: Any = value
        if isinstance(value, torch.Tensor):
            moved = value.to(self.device, non_blocking=True)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: self.move(getattr(value, f.name)) for f in dataclasses.fields(value)}
            moved = dataclasses.replace(value, **fields)
        elif isinstance(value, list | tuple):
            moved = type(value)(self.move(item) for item in value)
        result: Value = moved
        return result

    def state_dict(self) -> dict[str, Any]:
        """The loss scale of fp16; empty otherwise."""
        return self._scaler.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Restore the loss scale."""
        if state_dict and self._scaler.is_enabled():
            self._scaler.load_state_dict(state_dict)

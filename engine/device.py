# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the networks run: CUDA, MPS or CPU, and what happens when a GPU is too small."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from .protocol.errors import DeviceError

Result = TypeVar("Result")


def choose_device(name: str) -> torch.device:
    """The device for "auto" (CUDA, then MPS, then CPU), "cpu", "cuda" or "mps".

    Raises DeviceError where the asked-for device is not usable.
    """
    usable = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(kind for kind, is_usable in usable.items() if is_usable)
    if not usable.get(name, False):
        raise DeviceError(
            f"The device {name} cannot be used on this machine.", 'Choose "auto" or "cpu".'
        )
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device as people know it: its kind, and the name of the card."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return device.type


def with_cpu_fallback(
    device: torch.device, run: Callable[[torch.device], Result], warn: Callable[[str], None]
) -> Result:
    """run(device); where the GPU's memory does not suffice, a warning and run(CPU)."""
    try:
        return run(device)
    except RuntimeError as error:
        if device.type == "cpu" or not _is_out_of_memory(error):
            raise
    # Outside the except block: the error's traceback would keep the tensors alive.
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    warn(f"The memory of {device_name(device)} does not suffice; the CPU is used instead.")
    return run(torch.device("cpu"))


def _is_out_of_memory(error: RuntimeError) -> bool:
    # MPS and some CUDA libraries raise a plain RuntimeError that only its text tells apart.
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error).lower()

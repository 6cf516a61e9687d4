# SPDX-License-Identifier: GPL-3.0-or-later
"""Training in several processes that `torchrun` starts: gloo on CPUs, nccl on GPUs.

Every process draws its own batches and holds all weights. Gradients are averaged at each step, so
that N processes act as one with an N times larger batch (batch normalisation apart, which each
process computes on its own batch). In a single process nothing here does anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

Value = TypeVar("Value")

_RANK_SEED_STEP = 1_000_003


@contextmanager
def process_group(device: torch.device) -> Iterator[None]:
    """Join the group of processes that torchrun started; leave it at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is the one that writes files and speaks."""
    return rank() == 0


def rank_seed(seed: int) -> int:
    """A seed of this process's own; the first process keeps the seed itself."""
    return seed + _RANK_SEED_STEP * rank()


def seed_this_process(seed: int) -> None:
    """Give all but the first process other random numbers; call it once networks are built."""
    if rank() > 0:
        torch.manual_seed(rank_seed(seed))


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients by their mean over all processes, in one exchange.

    A parameter without a gradient counts as zero and stays without one.
    """
    if world_size() == 1:
        return
    chosen = [p for p in parameters if p.requires_grad]
    parts = [(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in chosen]
    flat = torch.cat(parts)
    dist.all_reduce(flat)
    flat /= world_size()
    means = torch.split(flat, [p.numel() for p in chosen])
    for parameter, mean in zip(chosen, means, strict=True):
        if parameter.grad is not None:
            parameter.grad.copy_(mean.view_as(parameter))


@torch.no_grad()
def broadcast(tensors: Iterable[torch.Tensor]) -> None:
    """Give every process the first one's values, in place."""
    if world_size() == 1:
        return
    for tensor in tensors:
        dist.broadcast(tensor, 0)


def broadcast_module(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    broadcast(module.state_dict().values())


def gather(value: Value) -> list[Value]:
    """The value of each process, in order of rank, in every process."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def agree(value: Value) -> Value:
    """The first process's value in every process: decisions must not differ."""
    if world_size() == 1:
        return value
    box: list[Any] = [value]
    dist.broadcast_object_list(box, 0)
    agreed: Value = box[0]
    return agreed

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which build of the networks' library suits a machine."""

from __future__ import annotations

import contextlib
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_NVIDIA_TOOL = "nvidia-smi"
_NVIDIA_TOOL_TIMEOUT_S = 20.0
_NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
_AMD_NODES = Path("/sys/class/kfd/kfd/topology/nodes")
_ARM = ("arm64", "aarch64")


class Variant(StrEnum):
    """A build of PyTorch."""

    AUTOMATIC = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    ROCM = "rocm"
    APPLE = "apple"

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]


_LABELS = {
    Variant.AUTOMATIC: "Automatic",
    Variant.CPU: "CPU",
    Variant.CUDA: "NVIDIA (CUDA)",
    Variant.ROCM: "AMD (ROCm)",
    Variant.APPLE: "Apple (Metal)",
}


@dataclass(frozen=True)
class Machine:
    """What matters of a machine. system: "Linux", "Windows" or "Darwin"; processor: "x86_64"..."""

    system: str
    processor: str
    has_nvidia: bool = False
    has_amd: bool = False

    @property
    def label(self) -> str:
        """For people."""
        system = "macOS" if self.system == "Darwin" else self.system
        return f"{system} {self.processor}"


def this_machine() -> Machine:
    """This machine; asks the graphics driver, which can take a second."""
    has_amd = any(_is_card(node) for node in _AMD_NODES.glob("*/gpu_id"))
    return Machine(platform.system(), platform.machine(), _has_nvidia(), has_amd)


def best_variant(machine: Machine) -> Variant:
    """The build that makes the most of a machine."""
    if machine.system == "Darwin":
        return Variant.APPLE if machine.processor in _ARM else Variant.CPU
    if machine.has_nvidia:
        return Variant.CUDA
    if machine.has_amd and machine.system == "Linux":
        return Variant.ROCM
    return Variant.CPU


def variant_of(torch_version: str, packages: Sequence[str], machine: Machine) -> Variant:
    """The build that a version of torch is, seen from what is installed along with it."""
    build = torch_version.partition("+")[2]
    if build.startswith("cu"):
        return Variant.CUDA
    if build.startswith("rocm"):
        return Variant.ROCM
    if build.startswith("cpu"):
        return Variant.CPU
    if any(name.lower().startswith(("nvidia-", "cuda-")) for name in packages):
        return Variant.CUDA
    if machine.system == "Darwin" and machine.processor in _ARM:
        return Variant.APPLE
    return Variant.CPU


def _has_nvidia() -> bool:
    tool = shutil.which(_NVIDIA_TOOL)
    if tool is None:
        return _NVIDIA_DRIVER.exists()
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        cards = subprocess.run(
            [tool, "-L"],
            capture_output=True,
            timeout=_NVIDIA_TOOL_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return cards.returncode == 0 and b"GPU" in cards.stdout
    return False


def _is_card(node: Path) -> bool:
    """Whether a node of the AMD driver is a graphics card: processors have the id 0."""
    try:
        return node.read_text("ascii").strip() not in ("", "0")
    except OSError:
        return False

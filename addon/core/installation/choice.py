# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files to install: the pinned packages, in the build that suits the machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ....engine.protocol.errors import InstallError
from .hardware import Machine, Variant, best_variant, variant_of
from .pins import Pins
from .pip import NoBuildError, Pip
from .selector import Selector
from .wheels import Wheel

_NO_LEARNING = "New Style is not available: what it needs is not made for this version of Python."


@dataclass(frozen=True)
class Wish:
    """What a person wants. sources: pip's options on where to look, () for its configuration."""

    variant: Variant = Variant.AUTOMATIC
    learning: bool = True
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What they get. notes: where that differs from what they wanted."""

    wheels: tuple[Wheel, ...]
    variant: Variant
    learning: bool
    notes: tuple[str, ...] = ()


def choose(
    wish: Wish, pins: Pins, machine: Machine, pip: Pip, selector: Callable[[], Selector]
) -> Choice:
    """The files for a wish. selector: makes the tool for builds that pip's sources do not have.

    Raises InstallError where the packages, or an explicitly wanted build, cannot be had.
    """
    wheels, learning, notes = _by_pip(wish, pins, pip)
    wanted = best_variant(machine) if wish.variant is Variant.AUTOMATIC else wish.variant
    offered = _variant(wheels, machine)
    if offered is wanted or wish.sources:
        return Choice(wheels, offered, learning, tuple(notes))
    try:
        selected = selector().choose(pins.requirements(learning), pins.constraints, wanted)
        got = _variant(selected, machine)
        if got is not wanted:
            raise InstallError(
                f"There is no build for {wanted.label} that this machine can run.",
                "Install the driver of the graphics card, or choose another variant.",
            )
    except InstallError as error:
        if wish.variant is not Variant.AUTOMATIC:
            raise
        notes.append(f"Installed for {offered.label} instead of {wanted.label}. {error}")
        return Choice(wheels, offered, learning, tuple(notes))
    return Choice(selected, wanted, learning, tuple(notes))


def _by_pip(wish: Wish, pins: Pins, pip: Pip) -> tuple[tuple[Wheel, ...], bool, list[str]]:
    """Files, whether one can learn from videos with them, and notes."""
    notes = []
    if wish.learning:
        with contextlib.suppress(NoBuildError):
            wheels = pip.choose(pins.requirements(True), pins.constraints, wish.sources)
            if pins.can_learn(wheel.name for wheel in wheels):
                return wheels, True, []
        notes.append(_NO_LEARNING)
    return pip.choose(pins.requirements(False), pins.constraints, wish.sources), False, notes


def _variant(wheels: Sequence[Wheel], machine: Machine) -> Variant:
    """The build that the files are for; torch itself may be there already."""
    versions = [wheel.version for wheel in wheels if wheel.name == "torch"]
    names = [wheel.name for wheel in wheels]
    return variant_of(versions[0] if versions else "", names, machine)

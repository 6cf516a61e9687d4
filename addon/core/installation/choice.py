# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files to install: the pinned packages, in the build that suits the machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
    """What they get: files, and what there is with them. notes: where that differs from a wish."""

    wheels: tuple[Wheel, ...]
    torch: str
    variant: Variant
    learning: bool
    notes: tuple[str, ...] = ()


def choose(
    wish: Wish,
    pins: Pins,
    machine: Machine,
    pip: Pip,
    selector: Callable[[], Selector],
    *,
    present: Mapping[str, str] | None = None,
) -> Choice:
    """The files for a wish. selector: makes the tool for builds that pip's sources do not have.

    present: names and versions of what is installed already. Raises InstallError where the
    packages, or an explicitly wanted build, cannot be had.
    """
    there = dict(present or {})

    def chosen(wheels: tuple[Wheel, ...], *notes: str) -> Choice:
        after = {**there, **{wheel.key: wheel.version for wheel in wheels}}
        new = tuple(wheel for wheel in wheels if there.get(wheel.key) != wheel.version)
        variant = variant_of(after["torch"], tuple(after), machine)
        return Choice(new, after["torch"], variant, pins.can_learn(after), notes)

    requirements, offer = _offer(wish, pins, pip, chosen)
    wanted = best_variant(machine) if wish.variant is Variant.AUTOMATIC else wish.variant
    if offer.variant is wanted:
        return offer
    if wish.sources:
        return _as_served(offer, wish)
    reason = InstallError(
        f"There is no build for {wanted.label} that this machine can run.",
        "Install the driver of the graphics card, or choose another build.",
    )
    try:
        found = chosen(selector().choose(requirements, pins.constraints, wanted), *offer.notes)
    except InstallError as error:
        found, reason = offer, error
    if found.variant is wanted:
        return found
    if wish.variant is not Variant.AUTOMATIC:
        raise reason
    return _noted(found, f"Installed for {found.variant.label} instead of {wanted.label}. {reason}")


def _as_served(offer: Choice, wish: Wish) -> Choice:
    """What a kit or a source of the person's has; a note where they asked for something else."""
    if wish.variant is Variant.AUTOMATIC:
        return offer
    label = offer.variant.label
    return _noted(offer, f"Installed for {label}: the kit or wheel source has no other build.")


def _noted(choice: Choice, note: str) -> Choice:
    return replace(choice, notes=(*choice.notes, note))


def _offer(
    wish: Wish, pins: Pins, pip: Pip, chosen: Callable[..., Choice]
) -> tuple[tuple[str, ...], Choice]:
    """What pip's sources have: the requirements that they serve, and the files."""
    notes = []
    if wish.learning:
        with contextlib.suppress(NoBuildError):
            wanted = pins.requirements(True)
            choice = chosen(pip.choose(wanted, pins.constraints, wish.sources))
            if choice.learning:
                return wanted, choice
        notes.append(_NO_LEARNING)
    wanted = pins.requirements(False)
    return wanted, chosen(pip.choose(wanted, pins.constraints, wish.sources), *notes)

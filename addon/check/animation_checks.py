# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the keys of a take may not play on one data-block: action, slot, curves, NLA, drivers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from ..keys_write import PROVENANCE_PREFIX

_TAKE_MARK = f"{PROVENANCE_PREFIX}style"
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """What is wrong and what to do. stops: nothing moves because of it; else it only changes."""

    text: str
    advice: str
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".rstrip()


def is_take(action: Any | None) -> bool:
    """Whether Rhetor has written an action."""
    return action is not None and _TAKE_MARK in action


def take_curves(owner: Any, paths: Collection[str]) -> list[Any]:
    """The F-curves that play on a data-block and address one of the paths."""
    channels = compat.assigned_channels(owner)
    if channels is None:
        return []
    return [curve for curve in channels.fcurves if curve.data_path in paths]


def check_animation(owner: Any, what: str, paths: Collection[str]) -> Iterator[Finding]:
    """Findings on a data-block whose properties `paths` a take moves. what: for people."""
    animation = owner.animation_data
    if animation is None:
        yield Finding(f"Nothing animates {what}.", "Press Animate.")
        return
    yield from _check_action(owner, what, paths)
    yield from _check_curves(owner, what, paths)
    yield from check_playback(animation, what)
    yield from _check_nla(animation, what)
    yield from _check_drivers(animation, what, paths)


def check_playback(animation: Any, what: str) -> Iterator[Finding]:
    """Settings of the NLA that weaken or hide the take that plays."""
    solo = [track for track in animation.nla_tracks if track.is_solo]
    if solo:
        yield Finding(f"The NLA track {solo[0].name} of {what} plays alone.", "Unstar it.")
    if not is_take(animation.action):
        return
    if animation.action_influence < 1.0:
        yield Finding(
            f"The action of {what} plays with influence {animation.action_influence:g}.",
            "Set it to 1 in the NLA editor, Edited Action.",
            stops=animation.action_influence == 0.0,
        )
    if animation.action_blend_type != "REPLACE":
        yield Finding(
            f"The action of {what} is mixed ({animation.action_blend_type.title()}).",
            "Set its blending to Replace in the NLA editor, Edited Action.",
            stops=False,
        )


def _check_action(owner: Any, what: str, paths: Collection[str]) -> Iterator[Finding]:
    animation = owner.animation_data
    action = animation.action
    if action is None:
        if not any(is_take(strip.action) for _, strip in _strips(animation)):
            yield Finding(f"No action plays on {what}.", _choose_a_take())
        return
    if not is_take(action):
        if not any(is_take(strip.action) for _, strip in _strips(animation)):
            plays = f"{what.capitalize()} plays {action.name}, which is not a take."
            yield Finding(plays, _choose_a_take())
        elif take_curves(owner, paths):
            yield Finding(
                f"{action.name} lies over the take and has keys for {what} too.",
                "Delete these keys, or push the action down in the NLA editor, below the take.",
            )
    elif compat.SLOTTED_ACTIONS and animation.action_slot is None:
        yield Finding(
            f"{action.name} is chosen for {what}, but none of its slots.",
            f"Choose the slot {owner.name} beside the action.",
        )
    elif not take_curves(owner, paths):
        slot = compat.assigned_slot(owner)
        where = action.name if slot is None else f"The slot {slot.name_display} of {action.name}"
        advice = f"Choose the slot {owner.name} beside the action." if slot else _choose_a_take()
        yield Finding(f"{where} has no keys for {what}.", advice)


def _check_curves(owner: Any, what: str, paths: Collection[str]) -> Iterator[Finding]:
    curves = take_curves(owner, paths)
    muted = [curve for curve in curves if curve.mute]
    if muted:
        yield Finding(
            f"{_count(muted, len(curves))} curves of {what} are muted.",
            "Tick their channels in the Graph Editor.",
            stops=len(muted) == len(curves),
        )
    broken = [curve for curve in curves if not curve.is_valid]
    if broken:
        yield Finding(
            f"{_count(broken, len(curves))} curves of {what} lead nowhere: {broken[0].data_path}.",
            "Rename the bone or shape key back, or animate again.",
            stops=len(broken) == len(curves),
        )


def _check_nla(animation: Any, what: str) -> Iterator[Finding]:
    if animation.use_tweak_mode:
        yield Finding(
            f"A strip of {what} is being edited: nothing above it plays.",
            "Leave tweak mode in the NLA editor (Tab).",
        )
    if is_take(animation.action):
        return
    for track, strip in _strips(animation):
        if not is_take(strip.action):
            continue
        silent = [kind for kind, item in (("track", track), ("strip", strip)) if item.mute]
        if silent:
            yield Finding(
                f"The NLA {silent[0]} with the take {strip.action.name} of {what} is muted.",
                "Tick it in the NLA editor.",
            )
        elif strip.influence < 1.0 and not strip.use_animated_influence:
            yield Finding(
                f"The strip of {strip.action.name} plays with influence {strip.influence:g}.",
                "Set it to 1 in the NLA editor.",
                stops=strip.influence == 0.0,
            )


def _check_drivers(animation: Any, what: str, paths: Collection[str]) -> Iterator[Finding]:
    drivers = [d for d in animation.drivers if d.data_path in paths and not d.mute]
    if drivers:
        names = ", ".join(short_name(driver.data_path) for driver in drivers[:_NAMES_SHOWN])
        yield Finding(
            f"Drivers overrule the keys of {what}: {names}.",
            "Delete or mute the drivers.",
            stops=False,
        )


def _strips(animation: Any) -> Iterator[tuple[Any, Any]]:
    for track in animation.nla_tracks:
        for strip in track.strips:
            yield track, strip


def _choose_a_take() -> str:
    names = [action.name for action in bpy.data.actions if is_take(action)]
    if not names:
        return "Press Animate."
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"Choose a take in the Action Editor, such as {shown}."


def _count(some: list[Any], total: int) -> str:
    return f"All {total}" if len(some) == total else f"{len(some)} of {total}"


def short_name(path: str) -> str:
    """The name in a data path, for people."""
    return path.split('"')[1] if '"' in path else path

# SPDX-License-Identifier: GPL-3.0-or-later
"""A synthetic performer: head motion for speech, different for each personality and each seed.

It makes the material on which PoseGAN is trained. Beats fall on prominent syllables, postures
change where phrases begin, the head comes to rest in long silence. What exactly happens is drawn,
as with people: the same words bring another performance each time. Ranges were set beside head
motion measured on recordings (deviations, steps per frame, spectra).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from ..protocol.take import MODEL_RATE_HZ
from ..space import euler_to_matrix
from .personality import Personality
from .speech_events import F64, SpeechEvents

_REST_S = 1.4
"""Silence after which somebody is taken to have stopped speaking."""

_IDLE = 0.4
"""Share of the slow wander that is left while somebody listens."""

_LISTENING = np.array([0.25, 0.35, 0.25])
"""Size in degrees of the small moves of somebody who is silent."""

_NECK_MM = 95.0
"""From the base of the neck to the head's pivot."""

_NECK_SHARE = 0.35
"""Part of the head's turn that bends the neck, the rest is turned on top of it."""

_STIR = 0.6
"""How much more the head stirs per deviation of loudness: real heads move with loud voices."""

_LATENCY_S = 0.07
"""A beat reaches its depth that long after the centre of the vowel."""

_AXES = 3
_NOD = np.array([1.0, 0.0, 0.0])


def perform(events: SpeechEvents, who: Personality, seed: int) -> npt.NDArray[np.float32]:
    """(T, 6) head poses in rad and mm, face space, 30 fps: one performance of `who`."""
    rng = np.random.default_rng([seed, len(who.name), who.name.encode()[0]])
    energy = float(np.exp(rng.normal(0.0, 0.12)))  # nobody is equally lively every day
    angles = np.zeros((events.frame_count, _AXES))
    angles += np.array(who.home) + rng.normal(0.0, 0.15, _AXES) * who.posture
    angles += energy * _postures(events, who, rng)
    angles += energy * _beats(events, who, rng)
    angles += energy * _phrase_shapes(events, who, rng)
    angles += energy * _undertone(events, who, rng)
    return _with_neck(np.radians(angles), events, who, rng)


def minimum_jerk(u: F64) -> F64:
    """Smooth step from 0 to 1 over u in [0, 1], without speed or acceleration at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**3 * (10.0 + u * (6.0 * u - 15.0))


def keyed_curve(frame_count: int, times_s: list[float], values: list[F64]) -> F64:
    """(T, C) curve through values (C,) at ascending times, each reached along a minimum jerk."""
    t = np.arange(frame_count) / MODEL_RATE_HZ
    at = np.clip(np.searchsorted(times_s, t, side="right") - 1, 0, max(len(times_s) - 2, 0))
    times, keys = np.array(times_s), np.array(values)
    after = np.minimum(at + 1, len(times) - 1)
    span = np.maximum(times[after] - times[at], 1e-6)
    share = minimum_jerk((t - times[at]) / span)[:, None]
    curve: F64 = keys[at] + share * (keys[after] - keys[at])
    return curve


def _postures(events: SpeechEvents, who: Personality, rng: np.random.Generator) -> F64:
    """(T, 3) held postures: a new one where a phrase begins, a look away where it pauses."""
    spread = np.array(who.posture)
    now = rng.normal(0.0, 0.6, _AXES) * spread
    times, keys = [0.0], [now]

    def move(at_s: float, target: F64, took_s: float) -> None:
        begin = max(at_s, times[-1] + 0.03)
        times.extend((begin, begin + took_s))
        keys.extend((keys[-1], target))

    duration = events.frame_count / MODEL_RATE_HZ
    starts, ends = events.phrase_start_s, events.phrase_end_s
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        before = start - (ends[index - 1] if index else 0.0)
        if rng.random() < who.shift_share * min(1.0, 0.35 + before):
            now = 0.35 * now + np.clip(rng.normal(0.0, 0.95, _AXES), -1.7, 1.7) * spread
            now[2] += 0.25 * now[1] * rng.choice((-0.3, 1.0))  # a turn brings a tilt along
        move(start - 0.15 + rng.normal(0.0, 0.1), now, who.shift_s * np.exp(rng.normal(0, 0.25)))
        pause = (starts[index + 1] if index + 1 < len(starts) else duration) - end
        if pause > 0.45 and rng.random() < who.away_share:
            side = rng.choice((-1.0, 1.0))
            size = who.away * np.exp(rng.normal(0.0, 0.25)) * min(1.0, 0.4 + pause)
            glance = np.array([rng.choice((-0.35, 0.45)), side, 0.45 * side]) * size
            move(end + rng.uniform(0.0, 0.15), now + glance, who.shift_s * rng.uniform(0.45, 0.7))
        elif pause > _REST_S:
            now = 0.4 * now
            move(end + rng.uniform(0.3, 0.8), now, who.shift_s * rng.uniform(1.0, 1.6))
        now = _shift_idly(move, now, (end, end + pause), spread, rng)
    if len(starts) == 0:
        _shift_idly(move, now, (0.0, duration), spread, rng)
    return keyed_curve(events.frame_count, times, keys)


def _shift_idly(
    move: Callable[[float, F64, float], None],
    now: F64,
    pause: tuple[float, float],
    spread: F64,
    rng: np.random.Generator,
) -> F64:
    """Somebody who listens shifts a little, every four to nine seconds of a pause."""
    at = pause[0] + rng.uniform(2.0, 5.0)
    while at < pause[1] - 1.5:
        now = 0.6 * now + rng.normal(0.0, 0.3, _AXES) * (0.4 * spread + 0.4)
        move(at, now, rng.uniform(1.4, 2.6))
        at += rng.uniform(4.0, 9.0)
    return now


def _beats(events: SpeechEvents, who: Personality, rng: np.random.Generator) -> F64:
    """(T, 3) short moves on prominent syllables."""
    curve = np.zeros((events.frame_count, _AXES))
    last = -10.0
    order = np.argsort(events.accent_s)
    for centre, prominence in zip(events.accent_s[order], events.prominence[order], strict=True):
        chance = who.nod_share * np.clip(2.2 * prominence - 0.9, 0.0, 1.0)
        if centre - last < who.nod_gap_s or rng.random() > chance:
            continue
        last = float(centre)
        size = who.nod * (0.45 + 0.75 * prominence) * np.exp(rng.normal(0.0, 0.22))
        attack = who.nod_s * np.exp(rng.normal(0.0, 0.15))
        way = _direction(who, rng)
        depth_s = centre + _LATENCY_S + rng.normal(0.0, 0.03)
        _add_beat(curve, depth_s, attack, size * way)
        if rng.random() < who.double:
            _add_beat(curve, depth_s + 2.1 * attack, 0.85 * attack, 0.6 * size * way)
    return curve


def _direction(who: Personality, rng: np.random.Generator) -> F64:
    """A beat's axis (3,): mostly a nod (up or down), for some people a turn with a tilt."""
    if rng.random() < who.sideways:
        side = rng.choice((-1.0, 1.0))
        return np.array([0.35, 0.8 * side, 0.45 * side * rng.uniform(0.0, 1.2)])
    wobble = rng.normal(0.0, 0.12 if who.sideways else 0.03, 2)
    return np.array([-1.0 if rng.random() < who.raised else 1.0, wobble[0], wobble[1]])


def _add_beat(curve: F64, depth_s: float, attack_s: float, size: F64) -> None:
    """Raise a little, fall to the depth, come back slower and swing over a little."""
    shape = ((-1.9, 0.0), (-1.0, -0.16), (0.0, 1.0), (1.7, -0.1), (3.0, 0.0))
    times = [depth_s + at * attack_s for at, _ in shape]
    _add_keys(curve, times, [value * size for _, value in shape])


def _add_keys(curve: F64, times_s: list[float], values: list[F64]) -> None:
    """Add a keyed curve that begins and ends at zero to (T, 3), in place."""
    first = max(0, int(times_s[0] * MODEL_RATE_HZ))
    count = min(len(curve), int(times_s[-1] * MODEL_RATE_HZ) + 2) - first
    if count > 0:
        begin_s = first / MODEL_RATE_HZ
        curve[first : first + count] += keyed_curve(count, [t - begin_s for t in times_s], values)


def _phrase_shapes(events: SpeechEvents, who: Personality, rng: np.random.Generator) -> F64:
    """(T, 3) chin up where a phrase begins, down through it; a nod or a raise where it ends."""
    curve = np.zeros((events.frame_count, _AXES))
    for start, end, rise in zip(
        events.phrase_start_s, events.phrase_end_s, events.rises, strict=True
    ):
        lift = who.lift * np.exp(rng.normal(0.0, 0.4)) * min(1.0, (end - start) / 1.5)
        times = [start - 0.45, start + 0.1, max(end, start + 0.4), max(end, start + 0.4) + 0.6]
        _add_keys(curve, times, [v * lift * _NOD for v in (0.0, -1.0, 0.7, 0.0)])
        if rise:
            size = who.ask * np.exp(rng.normal(0.0, 0.25))
            tilt = 0.5 * rng.choice((-1.0, 1.0))
            times = [end - 0.4, end + 0.05, end + 0.5, end + 1.2]
            raised = [np.array([-v * size, 0.0, v * size * tilt]) for v in (0.0, 1.0, 0.9, 0.0)]
            _add_keys(curve, times, raised)
        elif rng.random() < 0.7:
            size = who.close * np.exp(rng.normal(0.0, 0.25))
            _add_beat(curve, end - 0.1, 1.3 * who.nod_s, size * _NOD)
    return curve


def _undertone(events: SpeechEvents, who: Personality, rng: np.random.Generator) -> F64:
    """(T, 3) what never stops: wander, rocking, restlessness, the pull of loudness, tremor."""
    frames = events.frame_count
    alive = (_IDLE + (1.0 - _IDLE) * events.activity)[:, None]
    wander = _noise(frames, 2.5, rng) * who.drift * np.array([0.7, 1.0, 0.8])
    rocking = _noise(frames, who.sway_s / 4.0, rng) * who.sway * np.array([0.25, 1.0, 0.7])
    texture = _noise(frames, 0.17, rng) * who.texture * np.array([0.8, 0.8, 0.6])
    tremor = _noise(frames, 0.06, rng) * 0.02
    listening = _noise(frames, 0.9, rng) * np.sqrt(who.drift) * _LISTENING
    pull = np.zeros((frames, _AXES))
    pull[:, 0] = who.follow * events.loudness
    speaking = events.activity[:, None]
    texture *= np.clip(1.0 + _STIR * events.loudness, 0.3, 2.5)[:, None]
    moved = (rocking + texture) * speaking + listening * (1.0 - speaking)
    sum_of_all: F64 = wander * np.sqrt(alive) + moved + pull + tremor * alive
    return sum_of_all


def _with_neck(
    angles: F64, events: SpeechEvents, who: Personality, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """(T, 6): the translation that a bending neck, breath and a leaning body bring along."""
    neck = np.array([0.0, 0.0, _NECK_MM])
    place = euler_to_matrix(_NECK_SHARE * angles) @ neck - neck
    alive = (_IDLE + (1.0 - _IDLE) * events.activity)[:, None]
    body = _noise(events.frame_count, 1.6, rng) * who.lean_mm * np.array([1.0, 0.8, 0.25])
    breath_s = rng.uniform(3.2, 4.4)
    phase = np.cumsum(1.0 + 0.2 * _noise(events.frame_count, 3.0, rng)[:, 0]) / MODEL_RATE_HZ
    breath = 0.35 * np.sin(2.0 * np.pi * phase / breath_s)
    place = place + body * alive
    place[:, 2] += breath
    place[:, 1] += 0.5 * breath
    pose: npt.NDArray[np.float32] = np.concatenate([angles, place], axis=1).astype(np.float32)
    return pose


def _noise(frame_count: int, smooth_s: float, rng: np.random.Generator) -> F64:
    """(T, 3) Gaussian noise of unit deviation, smoothed over `smooth_s`."""
    sigma = smooth_s * MODEL_RATE_HZ
    edge = int(4 * sigma)
    white = rng.standard_normal((frame_count + 2 * edge, _AXES))
    curve = gaussian_filter1d(white, sigma, axis=0)[edge : edge + frame_count]
    scaled: F64 = curve * np.sqrt(2.0 * np.sqrt(np.pi) * sigma)
    return scaled

# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes of a character whose shape keys take part, and how their keys follow a take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...engine.protocol.take import Take
from ..core.key_mapping import KeyMapping
from ..core.retarget import Curve, escaped, mapped_curves


def mapped_faces(root: Any) -> Iterator[Any]:
    """The faces of the settings that have keys and a mapping, one for each Key data-block."""
    seen = set()
    for face in root.rhetor_character.faces:
        keys = None if face.mesh is None else face.mesh.data.shape_keys
        if keys is not None and face.mapping and keys not in seen:
            seen.add(keys)
            yield face


def key_curves(face: Any, take: Take, shown_by_bones: tuple[str, ...]) -> tuple[Curve, ...]:
    """A take on the keys of one face of the settings; some units are left to bones."""
    mapping = keyable_mapping(face).without_units(shown_by_bones)
    moved = [
        name
        for index, name in enumerate(mapping.names)
        if mapping.weights[:, index].any() or mapping.shows[index].any()
    ]
    return mapped_curves(take, mapping.only(moved))


def keyable_mapping(face: Any) -> KeyMapping:
    """The mapping of a face for the keys that its mesh has, with their sliders' ranges.

    Keys with drivers are left out: the rig moves them, and keyframes would do nothing.
    """
    keys = face.mesh.data.shape_keys
    driven = driven_keys(keys)
    free = set(keys.key_blocks.keys()) - driven
    mapping = KeyMapping.from_json(face.mapping).only(free)
    blocks = [keys.key_blocks[name] for name in mapping.names]
    ranges = [(block.slider_min, block.slider_max) for block in blocks]
    return mapping.with_ranges(np.reshape(ranges, (-1, 2)))


def driven_keys(keys: Any) -> set[str]:
    """The names of the shape keys whose values drivers set."""
    animation = keys.animation_data
    drivers = () if animation is None else animation.drivers
    paths = {driver.data_path for driver in drivers if not driver.mute}
    names = [block.name for block in keys.key_blocks]
    return {name for name in names if f'key_blocks["{escaped(name)}"].value' in paths}

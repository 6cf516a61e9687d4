# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a take once more from what is stored on it, and compare every key, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.protocol.errors import AudioError, RigError
from ...engine.protocol.requests import AnimateRequest, animate_request
from ...engine.protocol.take import Take
from ..characters.character import Character
from ..keys_write import HASH_MARK, hash_curves, slot_key
from . import edits
from .on_takes import stored
from .takes import TakeEntry

_OLD = "It was made before Rhetor stored all that is needed. Press Use Its Settings, then Animate."


@dataclass(frozen=True)
class Verdict:
    """Whether another run made the same keys; where not, what has changed since. edited: somebody
    has changed the keys in the file, which are not what is compared."""

    name: str
    is_identical: bool
    changes: tuple[str, ...]
    edited: bool

    @property
    def title(self) -> str:
        """For people, in few words."""
        return f"{self.name}: {'identical' if self.is_identical else 'not the same'}"

    @property
    def messages(self) -> tuple[str, ...]:
        """For people."""
        said = list(self.changes)
        if not self.is_identical and not said:
            said.append("Nothing that is stored has changed; its shape keys or bones may have.")
        if self.edited:
            said.append("Its keys have been edited by hand since it was written.")
        return tuple(said)


def stored_request(entry: TakeEntry) -> AnimateRequest:
    """The request that a take was made from.

    Raises RigError where it was not stored, AudioError where the recording is gone, ConfigError
    where this version cannot read it.
    """
    settings = json.loads(stored(entry, "settings", "{}"))
    if not settings or HASH_MARK not in entry.main:
        raise RigError(f"{entry.name} cannot be reproduced.", _OLD)
    audio = stored(entry, "audio")
    if audio and not Path(audio).is_file():
        raise AudioError(
            f"The recording of {entry.name} is no longer at {audio}.",
            "Put it back there, or choose it anew and press Animate.",
        )
    return animate_request({**settings, "audio": audio})


def judge(character: Character, entry: TakeEntry, take: Take) -> Verdict:
    """Compare a take that was made from a stored request with the one that it was stored on.

    Raises RigError where the character cannot take keys any more.
    """
    frames = np.arange(take.frame_count, dtype=np.float32)
    made = {k.owner: hash_curves(k.curves, frames) for k in character.keyed_owners(take)}
    identical = all(
        json.loads(part.action.get(HASH_MARK, "{}")).get(slot_key(part.slot))
        == made.get(part.owner)
        for part in entry.parts
    )
    changes = () if identical else tuple(_changes(entry, take.meta))
    return Verdict(entry.name, identical, changes, any(map(edits.is_edited, entry.actions)))


def _changes(entry: TakeEntry, meta: Any) -> Iterator[str]:
    """What of all that makes a take is not as it was."""
    if meta.get("audio", {}).get("sha256", "") != stored(entry, "audio_sha256"):
        yield "The recording is another one, or has been changed."
    for key, what in (("engine_version", "engine"), ("device", "device")):
        before, now = stored(entry, key), meta.get(key, "")
        if before != now:
            yield f"The {what} was {before or 'unknown'} and is {now or 'unknown'}."
    before, now = json.loads(stored(entry, "weights_sha256", "{}")), meta.get("weights_sha256", {})
    others = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if others:
        yield f"These networks are not the same any more: {', '.join(others)}."

# SPDX-License-Identifier: GPL-3.0-or-later
"""Find head, neck, jaw and eyes among an armature's bones, by the names of common rigs.

Rigify and its metarig, MakeHuman and MPFB, Mixamo, VRM and VRoid, Unreal, Character Creator, 3ds
Max and MMD. Of a rig with controls the bones that animators pose are meant, not those that follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .spelling import spellings

Parents = Mapping[str, str | None]

_FOLLOWERS = re.compile(r"^(def|org|mch|vis|wgt)[-_.]", re.IGNORECASE)
_NECK = re.compile(r"^(neck|necktwist|nape|首)\d*$")
_HEAD = frozenset({"head", "頭"})
_JAW = ("jawmaster", "jawroot", "jaw", "jawbone", "lowerjaw", "mandible", "顎")
_EYES = {
    "left": frozenset({"eyel", "lefteye", "eyeleft", "leye", "lfaceeye", "左目"}),
    "right": frozenset({"eyer", "righteye", "eyeright", "reye", "rfaceeye", "右目"}),
}
_METARIG_HEAD, _METARIG_NECK = "spine.006", "spine.004"
_RIGIFY_EYE = "MCH-eye.L"
_SIDES = (("Left", "Right"), ("left", "right"), ("LEFT", "RIGHT"))
_SIDE_LETTER = re.compile(r"(?<![A-Za-z])L(?![A-Za-z])|(?<![A-Za-z])l(?![A-Za-z])")


@dataclass(frozen=True)
class BoneRoles:
    """Names of bones, "" where there is none."""

    head: str = ""
    neck: str = ""
    jaw: str = ""
    eye_left: str = ""
    eye_right: str = ""


def find_roles(parents: Parents) -> BoneRoles:
    """Who is who among bones, given as name -> name of the parent."""
    head = _best(parents, _HEAD)
    if not head and _METARIG_HEAD in parents:
        neck = _METARIG_NECK if _METARIG_NECK in parents else ""
        head = _METARIG_HEAD
    else:
        neck = _neck_below(parents, head)
    jaws = (_best(parents, frozenset({name})) for name in _JAW)
    # Eyes of Rigify look at a target: their bones do not turn by themselves.
    aimed = _RIGIFY_EYE in parents
    eyes = ["" if aimed else _best(parents, names) for names in _EYES.values()]
    return BoneRoles(head, neck, next(filter(None, jaws), ""), *eyes)


def sided_pairs(names: Parents) -> Iterator[tuple[str, str]]:
    """(left, right) names of bones that there are for both sides of the body."""
    for name in names:
        others = [name.replace(left, right) for left, right in _SIDES if left in name]
        others.append(_SIDE_LETTER.sub(lambda found: "R" if found[0] == "L" else "r", name))
        for other in others:
            if other != name and other in names:
                yield name, other
                break


def ancestors(parents: Parents, name: str) -> Iterator[str]:
    """The parent of a bone, its parent, and so on up to the root."""
    above = parents.get(name)
    while above is not None:
        yield above
        above = parents.get(above)


def _best(parents: Parents, wanted: frozenset[str]) -> str:
    """The bone with one of the names: rather a control than a follower, rather a short name."""
    found = [name for name in parents if wanted.intersection(spellings(name))]
    return min(found, key=lambda name: (_is_follower(name), len(name), name), default="")


def _neck_below(parents: Parents, head: str) -> str:
    """The lowest neck bone that carries the head."""
    necks = [
        name
        for name in ancestors(parents, head)
        if _is_follower(name) == _is_follower(head) and any(map(_NECK.match, spellings(name)))
    ]
    return necks[-1] if necks else ""


def _is_follower(name: str) -> bool:
    return _FOLLOWERS.match(name) is not None

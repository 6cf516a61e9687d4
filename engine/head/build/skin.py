# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin of head and neck, the tongue, the shirt."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .anatomy import Anatomy, brow_coordinates
from .pieces import Piece, follower, plain
from .topology import (
    Faces,
    cut,
    normalised,
    selection,
    smooth_step,
    subdivide,
    submesh,
    vertex_normals,
)
from .wheel import Points

Mask = npt.NDArray[np.float64]

_REDDISH = (1.06, 0.74, 0.70)  # flushed skin, as a factor on its tone
_LIP = (0.84, 0.55, 0.66)
_MOUTH_INSIDE = (0.20, 0.035, 0.035)
_TONGUE = (0.40, 0.11, 0.10)
_SHIRT = (0.030, 0.042, 0.062)


def skin_piece(anatomy: Anatomy, lash_line: Mask) -> Piece:
    """Head and neck down to the shirt, inside of the mouth included.

    Attributes: rest (position at rest in metres, for patterns that stick), lip (0.5 at the border
    of the lips), gloss, scalp.
    """
    centre = _face_centres(anatomy, anatomy.skin_faces)
    # the ragged lower end of the cut lies under the shirt
    kept = (centre[:, 2] - 0.22 * centre[:, 1] > -206.0) & (np.abs(centre[:, 0]) < 112.0)
    for ball in anatomy.eyes.values():  # nor is the socket behind an eyeball ever seen
        depth = np.linalg.norm(centre + anatomy.eye_middle - ball.centre, axis=1)
        kept &= depth > 0.90 * ball.radius
    faces = [f for f, keep in zip(anatomy.skin_faces, kept, strict=True) if keep]
    vertices, numbered = submesh(faces)
    skin, hair, fixed = _skin_colours(anatomy, lash_line)
    return Piece(
        points=anatomy.points[vertices],
        faces=numbered,
        follow=follower(selection(vertices, len(anatomy.points))),
        slots=("skin",),
        face_slots=[0] * len(numbered),
        skin=skin[vertices],
        hair=hair[vertices],
        iris=np.zeros(len(vertices)),
        fixed=fixed[vertices],
        attributes={
            "rest": anatomy.points[vertices] / 1000.0,
            "lip": anatomy.lip[vertices],
            "gloss": (0.14 * smooth_step(anatomy.lip, 0.4, 0.6) + 0.2 * anatomy.cavity)[vertices],
            "scalp": anatomy.scalp[vertices],
        },
    )


def _face_centres(anatomy: Anatomy, faces: Faces) -> Points:
    """(P, 3) centres of polygons relative to the middle between the eyes."""
    return np.array([anatomy.from_eyes[face].mean(0) for face in faces])


def _skin_colours(anatomy: Anatomy, lash_line: Mask) -> tuple[Points, Mask, Points]:
    """Skin factor (N, 3), hair share (N,) and fixed part (N, 3) of the vertex colours."""
    count = len(anatomy.points)
    skin = np.ones((count, 3))
    hair = np.zeros(count)
    fixed = np.zeros((count, 3))

    def blend(share: Mask, factor: Any = 0.0, strands: float = 0.0, constant: Any = 0.0) -> None:
        rest = 1.0 - share
        skin[:] = skin * rest[:, None] + share[:, None] * np.asarray(factor)
        fixed[:] = fixed * rest[:, None] + share[:, None] * np.asarray(constant)
        hair[:] = hair * rest + share * strands

    flushed = ((anatomy.cheek, 0.26), (anatomy.ear, 0.40), (anatomy.nose, 0.34))
    for mask, share in (*flushed, (anatomy.lid_rim, 0.20)):
        blend(np.clip(mask, 0.0, 1.0) * share, _REDDISH)
    along, above = brow_coordinates(anatomy.from_eyes)
    brow = np.exp(-((above / 3.0) ** 2)) * smooth_step(along, -0.05, 0.1) * anatomy.on_skin
    brow *= (1.0 - smooth_step(along, 0.9, 1.08)) * (anatomy.from_eyes[:, 1] < 24.5)
    blend(brow * 0.5, 0.36, 0.3)
    blend(anatomy.scalp * 0.85, 0.12, 1.5)
    blend(np.clip(lash_line, 0.0, 1.0) * 0.65, 0.12)
    blend(smooth_step(anatomy.lip, 0.38, 0.62), _LIP)
    blend(anatomy.cavity * smooth_step(anatomy.cavity, 0.0, 1.0), 0.0, 0.0, _MOUTH_INSIDE)
    return skin, hair, fixed


def tongue_piece(anatomy: Anatomy) -> Piece:
    """The tongue."""
    vertices, faces = submesh(anatomy.mesh.group_faces("helper-tongue"))
    matrix = selection(vertices, len(anatomy.points))
    return plain(anatomy.points[vertices], faces, follower(matrix), slot="tongue", colour=_TONGUE)


def shirt_piece(anatomy: Anatomy) -> Piece:
    """A plain crew-neck shirt: the shoulders, 4.5 mm off the skin, cut by planes."""
    centre = _face_centres(anatomy, anatomy.skin_faces)
    near = (centre[:, 2] > -310.0) & (centre[:, 2] < -95.0) & (np.abs(centre[:, 0]) < 220.0)
    faces = [f for f, keep in zip(anatomy.skin_faces, near, strict=True) if keep]
    normals = vertex_normals(anatomy.points, faces)
    vertices, faces = submesh(faces)
    points = anatomy.from_eyes[vertices] + 4.5 * normals[vertices]
    matrix: Any = selection(vertices, len(anatomy.points))
    planes = (
        ((0.0, 109.5, -152.0), (0.0, -0.22, 1.0)),
        ((0.0, 0.0, -266.0), (0.0, 0.0, -1.0)),
        ((162.0, 0.0, -238.0), (1.0, 0.0, -0.15)),
        ((-162.0, 0.0, -238.0), (-1.0, 0.0, -0.15)),
    )
    for place, normal in planes:
        step, faces = cut(points, faces, np.array(place), normalised(np.array(normal)))
        points, matrix = step @ points, step @ matrix
    return plain(points + anatomy.eye_middle, faces, follower(matrix), slot="shirt", colour=_SHIRT)


def smooth_skin(anatomy: Anatomy, levels: int = 1) -> tuple[Any, Faces]:
    """The skin subdivided as it will be rendered: a sparse (V, N) matrix and its quads."""
    centre = _face_centres(anatomy, anatomy.skin_faces)
    faces = [f for f, c in zip(anatomy.skin_faces, centre, strict=True) if c[2] > -150.0]
    vertices, faces = submesh(faces)
    matrix: Any = selection(vertices, len(anatomy.points))
    for _ in range(levels):
        step, faces = subdivide(faces, matrix.shape[0])
        matrix = step @ matrix
    return matrix, faces

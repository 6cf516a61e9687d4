# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's methods: what each does with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .jobs import Job, Result
from .protocol.errors import ConfigError
from .protocol.face_shape import unpack_face
from .protocol.messages import pack_take
from .protocol.requests import PRESETS, animate_request
from .styles import installed_styles

if TYPE_CHECKING:
    from .animate import Engine

Handler = Callable[[Job], Result]


class Handlers:
    """The methods by name. `immediate` ones answer at once, even while a job runs."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self.immediate: Mapping[str, Handler] = {"ping": _ping, "styles": _styles}
        self.queued: Mapping[str, Handler] = {
            "animate": self._animate,
            "doctor": _doctor,
            "fit_mapping": _fit_mapping,
            "guess_landmarks": _guess_landmarks,
            "new_style": _new_style,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """All methods."""
        return (*self.immediate, *self.queued)

    def engine(self) -> Engine:
        """The engine; the first call imports torch."""
        if self._engine is None:
            from .animate import Engine

            self._engine = Engine()
        return self._engine

    def _animate(self, job: Job) -> Result:
        request = animate_request(job.request.params)
        take = self.engine().animate(request, job.progress, job.warn)
        return pack_take(take)


def _ping(job: Job) -> Result:
    """Sends parameters and arrays back."""
    return job.request.params, job.request.arrays


def _styles(job: Job) -> Result:
    preset = job.request.params.get("preset", PRESETS[0])
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r}.", f"Use one of {', '.join(PRESETS)}.")
    return {"styles": [entry.to_json() for entry in installed_styles(preset)]}, {}


def _new_style(job: Job) -> Result:
    """Runs in processes of its own: the networks of this one are not needed."""
    from .new_style import StyleRequest, new_style

    request = StyleRequest.of(job.request.params)
    return {"style": new_style(request, job.progress, job.warn).to_json()}, {}


def _fit_mapping(job: Job) -> Result:
    from .character_fit.fit import fit_mapping

    face = unpack_face(job.request.params, job.request.arrays)
    fit = fit_mapping(face, job.progress)
    names = list(face.key_names)
    return {"key_names": names}, {"weights": fit.weights, "explained": fit.explained}


def _guess_landmarks(job: Job) -> Result:
    from .character_fit.guess import guess_landmarks

    face = unpack_face(job.request.params, job.request.arrays)
    landmarks = guess_landmarks(face, job.progress)
    return {"landmark_names": list(landmarks)}, {"landmarks": np.stack(list(landmarks.values()))}


def _doctor(job: Job) -> Result:
    from .doctor import examine

    return {"checks": [check.to_json() for check in examine()]}, {}

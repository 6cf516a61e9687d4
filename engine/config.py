# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: frozen dataclasses, read from plain mappings, unknown keys refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from .protocol.errors import ConfigError

Config = TypeVar("Config")


def config_from(kind: type[Config], data: Mapping[str, Any]) -> Config:
    """Build the frozen dataclass `kind` from a mapping; lists become tuples, nesting is followed.

    Raises ConfigError on a key that `kind` does not have or is missing without a default.
    """
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - known)
    if unknown:
        raise ConfigError(
            f"Unknown setting {', '.join(unknown)} for {kind.__name__}.",
            f"Known settings: {', '.join(sorted(known))}.",
        )
    hints = get_type_hints(kind)
    values = {key: _convert(hints[key], value) for key, value in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"Incomplete settings for {kind.__name__}: {error}.") from error


def config_to(config: Any) -> dict[str, Any]:
    """The mapping that `config_from` reads back."""
    return dataclasses.asdict(config)


def _convert(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return config_from(hint, value)  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) else value

"""Settings: unknown keys are refused, known ones survive a round trip."""

from dataclasses import dataclass, field

import pytest

from rhetor.engine.config import config_from, config_to
from rhetor.engine.protocol.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    widths: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner = field(default_factory=Inner)


def test_round_trip_with_nesting_and_tuples() -> None:
    config = Outer("a", Inner((3, 4)))
    assert config_from(Outer, config_to(config)) == config
    assert config_from(Outer, {"name": "a", "inner": {"widths": [3, 4]}}) == config


def test_unknown_key_is_named() -> None:
    with pytest.raises(ConfigError, match="widht"):
        config_from(Outer, {"name": "a", "inner": {"widht": [3]}})


def test_missing_key_is_an_error() -> None:
    with pytest.raises(ConfigError, match="name"):
        config_from(Outer, {})

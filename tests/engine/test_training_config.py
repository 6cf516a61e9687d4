# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a training: a file, options over it, and nothing unknown."""

import argparse
import json
from dataclasses import dataclass, field

import pytest

from rhetor.engine.protocol.errors import ConfigError
from rhetor.engine.training.config_file import add_config_arguments, config_of


@dataclass(frozen=True)
class Inner:
    size: int = 8
    widths: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Settings:
    steps: int = 100
    rate: float = 1e-3
    person: str = ""
    limit: float | None = None
    mirrored: bool = True
    batch: Inner = field(default_factory=Inner)


def read(tmp_path, content, *arguments):
    parser = argparse.ArgumentParser()
    add_config_arguments(parser, Settings)
    given = list(arguments)
    if content is not None:
        path = tmp_path / "run.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        given = ["--config", str(path), *given]
    return config_of(Settings, parser.parse_args(given))


def test_nothing_given_is_the_default(tmp_path):
    assert read(tmp_path, None) == Settings()


def test_options_override_the_file_and_the_file_the_defaults(tmp_path):
    content = {"steps": 5, "rate": 0.5, "batch": {"size": 2, "widths": [3]}}
    given = read(tmp_path, content, "--steps", "7", "--batch.size", "4", "--no-mirrored")
    assert given == Settings(steps=7, rate=0.5, mirrored=False, batch=Inner(4, (3,)))
    assert read(tmp_path, None, "--limit", "2.5").limit == 2.5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"stepps": 1}, "stepps"),
        ({"batch": {"volume": 1}}, "volume"),
        ("{", "not JSON"),
        ("[]", "object"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, content, reason):
    with pytest.raises(ConfigError, match=reason):
        read(tmp_path, content)


def test_a_missing_file_is_told(tmp_path):
    parser = argparse.ArgumentParser()
    add_config_arguments(parser, Settings)
    with pytest.raises(ConfigError, match="cannot be read"):
        config_of(Settings, parser.parse_args(["--config", str(tmp_path / "none.json")]))

"""Errors cross the pipe with their kind, their message and their advice."""

import pytest

from rhetor.engine.protocol.errors import AudioError, CancelledError, RhetorError


@pytest.mark.parametrize("kind", [RhetorError, *RhetorError.__subclasses__()])
def test_round_trip(kind: type[RhetorError]) -> None:
    back = RhetorError.from_wire(kind("It broke.", "Mend it.").to_wire())
    assert type(back) is kind
    assert str(back) == "It broke. Mend it."


def test_unknown_code_is_still_an_error() -> None:
    back = RhetorError.from_wire({"code": "from-the-future", "message": "New."})
    assert type(back) is RhetorError and back.message == "New."


def test_codes_are_distinct() -> None:
    kinds = [RhetorError, *RhetorError.__subclasses__()]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert AudioError.code != CancelledError.code

# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the README and the manual, taken from a window with a scene made for them."""

from __future__ import annotations

from pathlib import Path

from rhetor.tests.ui.desktop import wait_for
from rhetor.tests.ui.picture import Box, save_small
from rhetor.tests.ui.story import Story

_SEARCH_PX = 36
_ARROW_PX = 34
_THUMBNAIL_PX = (80, 60)
_STYLES_PX = 640


def take_pictures(story: Story) -> None:
    """Renew all of them."""
    window = story.window
    window.ask("new_file", str(window.lab / "talk.blend"))
    _make_talk(story)
    window.open_only("Takes")
    story.show("panel", _view_and_timeline(story))
    _show_panels(story)
    _show_style_menu(story)
    window.ask("theme", "Light")
    story.show("light_theme", _view_and_timeline(story))
    window.ask("theme", "Dark")
    _show_dialogue(story)
    _show_character(story)


def show_first_run(story: Story) -> None:
    """The tab and the preferences before the engine is there."""
    story.show("first_run", story.window.panels)
    window = story.window
    window.ask("show_preferences", True)
    found = window.await_text("Rhetor", _below(window.box("PREFERENCES"), _SEARCH_PX))
    window.click(found.x - _ARROW_PX, found.centre[1])
    whole = window.box("PREFERENCES")
    heading = window.await_text("Preferences", whole)
    story.show("preferences", window.as_far_as_texts(_below(whole, heading.y - whole.y - 8)))
    window.ask("show_preferences", False)


def _below(box: Box, rows: int) -> Box:
    return Box(box.x, box.y + rows, box.width, box.height - rows)


def _make_talk(story: Story) -> None:
    """A head with two takes, all of it clicked."""
    window = story.window
    window.ask("arrange_view")
    window.click_text("Create Head")
    wait_for(lambda: window.ask("scene")["head"], "the head")
    window.ask("arrange_view")
    _drop(story, story.long_recording)
    window.click_text("Animate")
    window.point_at_view()
    wait_for(lambda: window.ask("session")["fraction"] > 0.3, "progress")
    picture, side = window.picture(), window.sidebar
    window.press("Escape")
    window.await_state("session", phase="idle")
    assert story.manual is not None
    save_small(window.as_far_as_texts(side, picture).crop(picture), story.manual / "working.png")
    _drop(story, story.short_recording)
    for number, (style, seed) in enumerate((("calm", 3), ("lively", 7))):
        window.ask("set_style", style, seed)
        window.click_text("Animate")
        window.await_takes(number + 1)
    window.scrub(0.35)


def _drop(story: Story, recording: Path) -> None:
    story.window.drop(recording, story.window.view.centre)
    story.window.await_state("scene", audio=f"//{recording.name}")


def _show_panels(story: Story) -> None:
    """Each panel alone, the others closed."""
    window = story.window
    for title in ("Looks", "Takes", "Amounts", "Check"):
        window.open_only(title)
        if title == "Check":
            window.click_text("Check Scene")
        story.show(title.lower(), window.panels)


def _show_style_menu(story: Story) -> None:
    """The pictures to choose from, and the panel below them."""
    window = story.window
    window.open_only("Styles")
    found = window.await_text("Style")
    window.click(window.sidebar.x + _THUMBNAIL_PX[0], found.y + _THUMBNAIL_PX[1])
    window.settle()
    view = window.view
    left = view.x + view.width // 5
    story.show("styles", Box(left, view.y, view.x + view.width - left, _STYLES_PX), False)
    window.press("Escape")


def _show_dialogue(story: Story) -> None:
    window = story.window
    lines = [(1, story.short_recording), (2, story.answer), (1, story.short_recording)]
    window.ask("second_speaker", [(channel, str(file)) for channel, file in lines])
    window.open_only("Dialogue")
    window.click_text("Fill from Sequencer")
    window.click_text("Animate Dialogue")
    window.await_state("session", timeout_s=90.0, phase="done")
    window.scrub(0.5)
    story.show("dialogue", _view_and_timeline(story))


def _show_character(story: Story) -> None:
    window = story.window
    window.ask("foreign_character")
    window.open_only("Character")
    window.click_text("Set Up Character")
    story.show("character", window.panels)


def _view_and_timeline(story: Story) -> Box:
    view, line = story.window.view, story.window.box("DOPESHEET_EDITOR")
    return Box(view.x, view.y, view.width, line.y + line.height - view.y)

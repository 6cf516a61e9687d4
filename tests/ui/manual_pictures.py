# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the README and the manual, taken from a window with a scene made for them."""

from __future__ import annotations

from rhetor.tests.ui.desktop import wait_for
from rhetor.tests.ui.picture import Box, save_small
from rhetor.tests.ui.story import Story

_SEARCH_PX = 36
_ARROW_PX = 34


def take_pictures(story: Story) -> None:
    """Renew all of them."""
    window = story.window
    window.ask("new_file", str(window.lab / "talk.blend"))
    _make_talk(story)
    _show(story, "panel", _view_and_sidebar(story))
    _show_panels(story)
    window.ask("theme", "Light")
    _show(story, "light_theme", _view_and_sidebar(story))
    window.ask("theme", "Dark")
    _show_dialogue(story)
    _show_character(story)


def show_first_run(story: Story) -> None:
    """The tab and the preferences before the engine is there."""
    _show(story, "first_run", story.window.panels)
    window = story.window
    window.ask("show_preferences", True)
    found = window.await_text("Rhetor", _below(window.box("PREFERENCES"), _SEARCH_PX))
    window.click(found.x - _ARROW_PX, found.centre[1])
    _show(story, "preferences", window.as_far_as_texts(window.box("PREFERENCES")))
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
    window.drop(story.short_recording, window.view.centre)
    wait_for(lambda: window.ask("scene")["audio"].startswith("//"), "the recording")
    for number, (style, seed) in enumerate((("calm", 3), ("lively", 7))):
        window.ask("set_style", style, seed)
        window.click_text("Animate")
        window.await_takes(number + 1)
    window.scrub(0.35)


def _show_panels(story: Story) -> None:
    """Each panel alone, the others closed."""
    window = story.window
    for title in ("Looks", "Styles", "Takes", "Amounts", "Check"):
        window.open_only(title)
        if title == "Check":
            window.click_text("Check Scene")
        _show(story, title.lower(), window.panels)


def _show_dialogue(story: Story) -> None:
    window = story.window
    lines = [(1, story.short_recording), (2, story.answer), (1, story.short_recording)]
    window.ask("second_speaker", [(channel, str(file)) for channel, file in lines])
    window.open_only("Dialogue")
    window.click_text("Fill from Sequencer")
    window.click_text("Animate Dialogue")
    window.await_state("session", timeout_s=90.0, phase="done")
    _show(story, "dialogue", _view_and_sidebar(story))


def _show_character(story: Story) -> None:
    window = story.window
    window.ask("foreign_character")
    window.open_only("Character")
    window.click_text("Set Up Character")
    _show(story, "character", window.panels)


def _view_and_sidebar(story: Story) -> Box:
    """The 3D view from its header down, with the timeline."""
    window = story.window
    view, line = window.view, window.box("DOPESHEET_EDITOR")
    return Box(view.x, view.y, view.width, line.y + line.height - view.y)


def _show(story: Story, name: str, within: Box) -> None:
    picture = story.keep(f"manual_{name}", within)
    assert story.manual is not None
    save_small(picture, story.manual / f"{name}.png")

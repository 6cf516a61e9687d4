# SPDX-License-Identifier: GPL-3.0-or-later
"""One evening with Rhetor in a real window: all by mouse and keyboard, in the order of the file.

What came of each action is read from Blender's state, not from what was meant to happen.
"""

from __future__ import annotations

import time

import pytest

from rhetor.tests.ui.desktop import wait_for
from rhetor.tests.ui.manual_pictures import show_first_run, take_pictures
from rhetor.tests.ui.picture import differs
from rhetor.tests.ui.story import Story

LONGEST_STAY_S = 0.05
"""How long our code may keep Blender's main thread, but for the final write."""


def test_a_dropped_zip_is_installed(story: Story) -> None:
    window = story.window
    assert window.ask("installed") == {"is_enabled": False, "is_loaded": False}
    window.drop(story.extension, window.view.centre)
    window.await_text("Install from Disk", window.view)
    window.press("Return")
    window.await_state("installed", is_enabled=True, is_loaded=True)


def test_the_tab_is_opened_with_the_mouse(story: Story) -> None:
    window = story.window
    window.ask("empty_scene")
    window.point_at_view()
    window.press("n")
    wait_for(lambda: window.ask("tab") != "", "the sidebar")
    window.click_tab("Rhetor")
    wait_for(lambda: window.ask("tab") == "Rhetor", "the tab")
    window.widen_sidebar()


def test_the_first_look_says_what_is_missing(story: Story) -> None:
    window = story.window
    window.await_text("Install Engine")
    story.keep("first_look")
    if story.manual is not None:
        show_first_run(story)
    window.ask("name_engine", str(story.engine_python))
    window.await_text("Animate")


def test_greyed_animate_says_what_is_missing(story: Story) -> None:
    button = story.window.await_text("Animate")
    story.desktop.point(*button.centre)
    story.desktop.await_text("Choose a recording first", button.wider_by(300, 120))


def test_a_dropped_recording_is_taken(story: Story) -> None:
    story.window.drop(story.long_recording, story.window.view.centre)
    story.window.await_state("scene", audio=str(story.long_recording))


def test_a_head_is_made_with_one_click(story: Story) -> None:
    window = story.window
    window.click_text("Create Head")
    wait_for(lambda: window.ask("scene")["head"], "the head")
    window.ask("arrange_view")
    story.keep("head_made")


def test_animate_shows_a_moving_bar_and_escape_cancels(story: Story) -> None:
    window = story.window
    window.click_text("Animate")
    window.point_at_view()
    working = window.await_state("session", phase="working")
    wait_for(lambda: window.ask("session")["fraction"] > working["fraction"], "progress", 40.0)
    first = window.picture(window.sidebar)
    wait_for(lambda: differs(first, window.picture(window.sidebar)), "a longer bar")
    window.press("Escape")
    window.await_state("session", phase="idle", error=None)
    assert window.ask("takes")["names"] == []


def test_animating_never_keeps_blender_waiting(story: Story) -> None:
    window = story.window
    resting = window.measured(lambda: time.sleep(2.0))
    redrawing = window.measured(lambda: window.redraw_for(3.0))

    button = window.await_text("Animate")
    story.desktop.point(*button.centre)

    def animate() -> None:
        story.desktop.click()
        window.await_state("session", timeout_s=60.0, phase="done")

    animating = window.measured(animate)
    for what, found in (("at rest", resting), ("redrawing", redrawing), ("animating", animating)):
        print(f"{window.desktop.place.label}, {what}: {found.in_words()}")
    assert max(animating.stays.values()) < LONGEST_STAY_S, animating.stays
    assert len(animating.writes) == 1
    assert window.ask("takes")["names"] == window.ask("takes")["playing"]
    assert len(window.ask("takes")["names"]) == 1
    sounds = window.ask("sounds")
    if sounds["is_possible"]:
        assert [name for name, _ in sounds["strips"]] == [story.long_recording.stem]
    else:
        window.await_text("This build of Blender has no sound")
    story.keep("done")


def test_scrubbing_moves_head_and_face(story: Story) -> None:
    window = story.window
    shown = []
    for share in (0.3, 0.6):
        window.scrub(share)
        shown.append(window.ask("scene")["performance"])
    assert shown[0]["frame"] < shown[1]["frame"]
    assert shown[0]["pose"] != shown[1]["pose"]
    assert shown[0]["face"] != shown[1]["face"]


def test_an_amount_acts_at_once(story: Story) -> None:
    window = story.window
    before = window.ask("scene")["performance"]["pose"]
    window.open_only("Amounts")
    window.set_slider("Rotation", "0.5")
    assert window.ask("takes")["head_rotation"] == pytest.approx(0.5)
    assert window.ask("scene")["performance"]["pose"] == pytest.approx(
        [v / 2 for v in before], abs=1e-4
    )
    story.keep("amounts", window.sidebar)


def test_another_seed_makes_a_second_take_that_undo_takes_back(story: Story) -> None:
    window = story.window
    first = window.ask("takes")["names"]
    seed = window.ask("scene")["seed"]
    field = window.await_text("Seed")
    window.click(window.sidebar.right - 22, field.centre[1])
    wait_for(lambda: window.ask("scene")["seed"] != seed, "another seed")
    window.click_text("Animate")
    window.await_state("session", timeout_s=60.0, phase="done")
    both = window.ask("takes")["names"]
    assert len(both) == 2 and set(first) < set(both)
    window.point_at_view()
    window.press("ctrl+z")
    window.await_state("takes", names=first, playing=first)
    window.press("ctrl+shift+z")
    window.await_state("takes", names=both)


def test_a_saved_file_opens_as_it_was(story: Story) -> None:
    window, file = story.window, story.window.lab / "evening.blend"
    before = window.ask("scene")["performance"], window.ask("takes")
    window.point_at_view()
    window.through_file_browser("shift+ctrl+s", file)
    window.await_state("scene", file=str(file), is_dirty=False)
    window.press("ctrl+n")
    entry = story.desktop.await_text("General", window.all)  # the menu closes with the mouse away
    window.click(*entry.centre)
    window.await_state("scene", file="")
    window.point_at_view()
    window.through_file_browser("ctrl+o", file)
    window.await_state("scene", file=str(file))
    assert (window.ask("scene")["performance"], window.ask("takes")) == before


def test_the_manual_shows_what_is_there(story: Story) -> None:
    if story.manual is None:
        pytest.skip("pictures are renewed by `build.py ui-test --images`")
    take_pictures(story)

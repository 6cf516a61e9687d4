# SPDX-License-Identifier: GPL-3.0-or-later
"""Learn styles in the background: finish, refuse, stop, resume, fail, open another file."""

import os
import time
from pathlib import Path

import bpy
import scenario
import style_files

FOLDER = Path(os.environ["RHETOR_STYLES"]).parent / "vidéos"


def main() -> dict:
    told = {"refused": refusals()}
    told["finished"] = finish()
    told["meanwhile"] = open_another_file()
    told["stopped"] = stop_and_resume()
    told["failed"] = fail()
    told["crashed"] = crash()
    told["left"] = disable()
    return told


def learning():
    return scenario.module("addon.styles.learning").current


def video(*names: str) -> dict:
    """Arguments of the operator for these files."""
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        (FOLDER / name).write_bytes(b"a video")
    return {"directory": str(FOLDER), "files": [{"name": name} for name in names]}


def said(operator, **values) -> str:
    try:
        operator(**values)
    except RuntimeError as error:
        return " ".join(str(error).split())
    raise AssertionError(f"{operator} went through")


def refusals() -> dict:
    new_style = bpy.ops.rhetor.new_style
    told = {"nothing": said(new_style)}
    told["no file"] = said(new_style, directory=str(FOLDER), files=[{"name": "nothing.mp4"}])
    told["label taken"] = said(new_style, **video("a.mp4"), label="lively")
    python = os.environ.pop("RHETOR_ENGINE_PYTHON")
    told["no engine"] = said(new_style, **video("a.mp4"))
    os.environ["RHETOR_ENGINE_PYTHON"] = python
    assert not new_style.poll() or learning().phase.value == "idle"
    assert not bpy.ops.rhetor.cancel_style.poll()
    assert not (style_files.folder() / "unfinished").exists(), "a refusal leaves no note"
    return told


def finish() -> dict:
    """From a script the operator returns when the style is there; it is chosen then."""
    settings = bpy.context.scene.rhetor
    done = bpy.ops.rhetor.new_style(
        **video("ännä.mp4", "b.mp4"), label="Ännä", description="In a studio"
    )
    assert done == {"FINISHED"} and learning().phase.value == "done"
    assert learning().unfinished == () and "anna" in style_files.offered()
    forget_the_end()
    return {
        "style": settings.style,
        "label": bpy.types.UILayout.enum_item_name(settings, "style", settings.style),
        "again": said(bpy.ops.rhetor.new_style, **video("a.mp4"), label="ännä"),
    }


def forget_the_end() -> None:
    """Blender ended after the style was written and before it heard of it."""
    module = scenario.module("addon.core.unfinished")
    notebook = module.Notebook(style_files.folder() / "unfinished")
    assert notebook.begin(module.StyleOrder("anna", "Anna", ("/v.mp4",)))
    notebook.pause()
    assert notebook.unfinished()
    time.sleep(scenario.module("addon.styles.learning").LOOK_AGAIN_S * 1.1)
    assert learning().unfinished == () and notebook.unfinished() == ()


def begin(name: str, *videos: str):
    """A style that is well under way."""
    addon = scenario.module("addon.styles.learning")
    chosen = video(*videos)
    paths = tuple(str(FOLDER / item["name"]) for item in chosen["files"])
    order = scenario.module("addon.core.unfinished").StyleOrder(name, name.title(), paths)
    scene = scenario.module("addon.identify").BlockId.of(bpy.context.scene)
    python = scenario.module("addon.prefs").engine_python(bpy.context)
    addon.current.submit(order, python, scene)
    until = time.monotonic() + 180
    while addon.current.fraction <= 0.1:
        assert not addon.current.pump(), "it has ended already"
        assert time.monotonic() < until, "no progress within three minutes"
        time.sleep(0.02)
    return addon.current


def open_another_file() -> dict:
    current = begin("meanwhile", "c.mp4")
    assert not bpy.ops.rhetor.new_style.poll(), "one at a time"
    assert not scenario.module("addon.session").current.is_working, "Animate stays free"
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    stage, fraction = current.stage, current.fraction
    current.drain()
    scenario.module("addon.styles.learning").choose_finished()
    settings = bpy.context.scene.rhetor
    told = {"chosen": settings.style, "stage": stage, "fraction": fraction}
    assert "meanwhile" in style_files.offered()
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.rhetor.use_style("EXEC_DEFAULT", True, name="meanwhile") == {"FINISHED"}
    told["used"] = settings.style
    current = begin("undone", "g.mp4")
    bpy.ops.ed.undo()
    current.drain()
    scenario.module("addon.styles.learning").choose_finished()
    return {**told, "undone": bpy.context.scene.rhetor.style}


def stop_and_resume() -> dict:
    current = begin("paused", "d.mp4")
    started = time.monotonic()
    assert bpy.ops.rhetor.cancel_style() == {"FINISHED"}
    error = outcome(current)
    told = {"said": error.code, "seconds": time.monotonic() - started, "phase": current.phase.value}
    told["offered"] = [order.name for order in current.unfinished]
    told["processes"] = len(children())
    assert bpy.ops.rhetor.resume_style(name="paused") == {"FINISHED"}
    told["went on"] = list(current.warnings)
    told["style"] = bpy.context.scene.rhetor.style
    assert current.unfinished == ()
    told["unknown"] = said(bpy.ops.rhetor.resume_style, name="paused")
    return told


def fail() -> dict:
    text = said(bpy.ops.rhetor.new_style, **video("nobody.mp4"), label="Nobody")
    current = learning()
    assert current.phase.value == "failed" and "nobody" not in style_files.offered()
    assert [order.label for order in current.unfinished] == ["Nobody"]
    assert bpy.ops.rhetor.discard_style(name="nobody") == {"FINISHED"}
    assert current.unfinished == () and current.phase.value == "idle"
    left = sorted(path.name for path in style_files.folder().rglob("nobody*"))
    return {"said": text, "left": left}


def crash() -> dict:
    text = said(bpy.ops.rhetor.new_style, **video("crash.mp4"), label="Crash")
    assert learning().phase.value == "failed"
    assert bpy.ops.rhetor.resume_style(name="crash") == {"FINISHED"}
    return {"said": text, "style": bpy.context.scene.rhetor.style}


def disable() -> dict:
    """The process ends with the extension; its style can be resumed by the next session."""
    import addon_utils  # bpy makes it importable

    begin("abandoned", "e.mp4")
    before = len(children())
    addon_utils.disable(scenario.EXTENSION)
    return {"before": before, "after": len(children())}


def outcome(current):
    errors = scenario.module("engine.protocol.errors")
    try:
        current.drain()
    except errors.RhetorError as error:
        return error
    raise AssertionError("it ended well")


def children() -> list[int]:
    """Processes that this one has started."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listing.split()]


if __name__ == "__main__":
    scenario.run(main)

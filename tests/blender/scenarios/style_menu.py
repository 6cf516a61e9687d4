# SPDX-License-Identifier: GPL-3.0-or-later
"""The style menu follows the disk, and a scene keeps the style that it names."""

import time

import bpy
import performances
import scenario
import style_files


def main(audio: str, blend: str) -> dict:
    settings = bpy.context.scene.rhetor
    shipped = style_files.offered()
    told = {"shipped": shipped, "first": settings.style}
    anna = style_files.write_style(style_files.folder() / "anna.safetensors", "Anna É")
    told["came"] = [name for name in look_again() if name not in shipped]
    settings.style = "anna"
    told["label"], told["description"], told["picture"] = shown(settings)
    number = scenario.module("addon.styles.style_menu").style_number("anna")
    style_files.write_style(style_files.folder() / "aaa.safetensors", "Aaa")
    assert look_again().index("aaa") < style_files.offered().index("anna")
    assert settings.style == "anna"
    assert scenario.module("addon.styles.style_menu").style_number("anna") == number
    bpy.context.scene.rhetor.audio = audio
    performances.create_head(hair=False)
    assert bpy.ops.rhetor.animate.poll()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    told["dropped"] = drop_recording(audio)
    told["gone"] = take_away(anna, blend)
    style_files.write_style(anna, "Anna again")
    assert look_again() and bpy.ops.rhetor.animate.poll()
    told["back"] = shown(bpy.context.scene.rhetor)[0]
    told["operators"] = operators(shipped)
    told["broken"] = broken()
    told["paper"] = paper()
    return told


def drop_recording(audio: str) -> dict:
    """What Blender calls when a sound file is dropped on the 3D view."""
    settings = bpy.context.scene.rhetor
    assert bpy.ops.rhetor.use_recording("INVOKE_DEFAULT", filepath=audio) == {"FINISHED"}
    handlers = [cls for cls in bpy.types.FileHandler.__subclasses__() if "RHETOR" in cls.__name__]
    return {
        "recording": bpy.path.abspath(settings.audio),
        "is relative": settings.audio.startswith("//"),
        "refused": said(bpy.ops.rhetor.use_recording, filepath=__file__),
        "handlers": {cls.bl_import_operator: cls.bl_file_extensions for cls in handlers},
    }


def look_again() -> list[str]:
    """Wait as long as the menu needs to see a change by itself."""
    time.sleep(scenario.module("addon.styles.style_menu").LOOK_AGAIN_S * 1.2)
    return style_files.offered()


def shown(settings) -> tuple[str, str, list[int]]:
    """Label and description of the chosen item, and the size of its picture."""
    layout = bpy.types.UILayout
    name = settings.style
    menu = scenario.module("addon.styles.style_menu").menu
    entry = menu.entry(name)
    picture = None if entry is None else menu.picture(entry)
    return (
        layout.enum_item_name(settings, "style", name),
        layout.enum_item_description(settings, "style", name),
        [] if picture is None else list(picture.image_size),
    )


def take_away(file, blend: str) -> dict:
    """Remove a style's file; the scene that names it stays as it is, also through a file."""
    file.unlink()
    for _ in range(2):
        look_again()
        settings = bpy.context.scene.rhetor
        assert settings.style == settings.style_name == "anna"
        grey = not bpy.ops.rhetor.animate.poll()
        refusal = refused()
        bpy.ops.wm.open_mainfile(filepath=blend)
    headless = scenario.module("addon.scene_read")
    errors = scenario.module("engine.protocol.errors")
    try:
        headless.read_order(bpy.context)
        order = "accepted"
    except errors.ConfigError as error:
        order = str(error)
    return {
        "label": shown(bpy.context.scene.rhetor)[0],
        "grey": grey,
        "refusal": refusal,
        "order": order,
    }


def refused() -> str:
    before = performances.footprint()
    try:
        bpy.ops.rhetor.animate()
    except RuntimeError as error:
        assert performances.footprint() == before
        return " ".join(str(error).split())
    raise AssertionError("Animate took a style that is not installed")


def operators(shipped: list[str]) -> dict:
    settings = bpy.context.scene.rhetor
    told = {}
    settings.style = "lively"
    told["remove shipped"] = said(bpy.ops.rhetor.remove_style)
    settings.style = "anna"
    assert bpy.ops.rhetor.remove_style() == {"FINISHED"}
    assert settings.style == "neutral" and "anna" not in style_files.offered()
    assert not list(style_files.folder().glob("anna*"))
    elsewhere = style_files.folder().parent / "elsewhere"
    other = style_files.write_style(elsewhere / "Lively.safetensors", "Lively of mine")
    assert bpy.ops.rhetor.import_style(filepath=str(other)) == {"FINISHED"}
    told["imported as"] = settings.style
    assert (style_files.folder() / f"{settings.style}.png").is_file()
    text = elsewhere / "text.safetensors"
    text.write_text("no style")
    told["import text"] = said(bpy.ops.rhetor.import_style, filepath=str(text))
    told["import nothing"] = said(bpy.ops.rhetor.import_style, filepath="/nowhere/x.safetensors")
    weights = scenario.module("engine.styles").WEIGHTS_DIR / "posegan_plus.safetensors"
    told["import weights"] = said(bpy.ops.rhetor.import_style, filepath=str(weights))
    dropped = style_files.write_style(elsewhere / "dropped.safetensors", "Dropped")
    assert bpy.ops.rhetor.import_style("INVOKE_DEFAULT", filepath=str(dropped)) == {"FINISHED"}
    assert settings.style == "dropped"
    told["use unknown"] = said(bpy.ops.rhetor.use_style, name="nobody")
    assert set(shipped) < set(style_files.offered())
    return told


def said(operator, **values) -> str:
    try:
        operator(**values)
    except RuntimeError as error:
        return " ".join(str(error).split())
    raise AssertionError(f"{operator} went through")


def broken() -> dict:
    """A file for other speech features: shown with its reason, not used."""
    path = style_files.folder() / "old.safetensors"
    style_files.write_style(path, "Old", feature_extractor="another")
    assert "old" in look_again()
    bpy.context.scene.rhetor.style = "old"
    label, description, _ = shown(bpy.context.scene.rhetor)
    return {"label": label, "description": description, "refusal": refused()}


def paper() -> str:
    settings = bpy.context.scene.rhetor
    settings.style, settings.preset = "lively", "paper"
    reason = refused()
    settings.style = "neutral"
    assert bpy.ops.rhetor.animate.poll()
    settings.preset = "plus"
    return reason


scenario.run(main)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Part of the driver in Blender: arranges windows, and scenes for the manual's pictures."""

import time
from pathlib import Path

import bpy

EXTENSION = "bl_ext.user_default.rhetor"


def view_area():
    areas = bpy.context.window_manager.windows[0].screen.areas
    return next(area for area in areas if area.type == "VIEW_3D")


def view_region(kind):
    return next(region for region in view_area().regions if region.type == kind)


def view_space():
    return view_area().spaces.active


def in_view():
    window = bpy.context.window_manager.windows[0]
    return bpy.context.temp_override(window=window, area=view_area(), region=view_region("WINDOW"))


def strips_of(editor):
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def arrange_view():
    """Look at the head from the front, a little from the side, in the colours of its materials."""
    space = view_space()
    space.shading.type, space.shading.color_type = "SOLID", "VERTEX"
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
    overlay.show_cursor = overlay.show_object_origins = False
    overlay.show_relationship_lines = overlay.show_extras = False
    space.lens = 85
    with in_view():
        bpy.ops.view3d.view_axis(type="FRONT")
    view = space.region_3d
    view.view_perspective = "PERSP"
    view.view_location, view.view_distance = (0.07, 0.0, 0.225), 0.78


def empty_scene():
    """Away with the cube, the camera and the light."""
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)


def new_file(path):
    """An empty scene, saved there: recordings beside it get short names."""
    for collection in (bpy.data.objects, bpy.data.actions):
        for item in list(collection):
            collection.remove(item)
    scene = bpy.context.scene
    if scene.sequence_editor is not None:
        for strip in list(strips_of(scene.sequence_editor)):
            strips_of(scene.sequence_editor).remove(strip)
    scene.frame_start, scene.frame_end, scene.render.fps = 1, 250, 30
    scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=path)


def name_engine(path):
    """Tell the extension which Python has the engine's packages."""
    bpy.context.preferences.addons[EXTENSION].preferences.engine_python = path
    view_area().tag_redraw()


def set_style(style, seed):
    """Choose a style and a seed."""
    settings = bpy.context.scene.rhetor
    settings.style_name, settings.seed = style, seed


def show_preferences(is_on):
    """The extension's preferences in place of the 3D view, or the view again."""
    area = bpy.context.window_manager.windows[0].screen.areas
    found = next(a for a in area if a.type == ("VIEW_3D" if is_on else "PREFERENCES"))
    found.type = "PREFERENCES" if is_on else "VIEW_3D"
    if is_on:
        bpy.context.preferences.active_section = "ADDONS"
        bpy.context.window_manager.addon_search = "Rhetor"


def second_speaker(files):
    """Another head beside the first, and recordings one after the other in the sequencer."""
    scene = bpy.context.scene
    scene.cursor.location = (0.42, 0.0, 0.0)
    with in_view():
        bpy.ops.object.select_all(action="DESELECT")
        bpy.ops.rhetor.create_head("EXEC_DEFAULT", identity_seed=11)
    heads = [item for item in scene.objects if item.type == "ARMATURE"]
    for head, name in zip(heads, ("Anna", "Bert"), strict=True):
        head.name = name
    editor = scene.sequence_editor or scene.sequence_editor_create()
    for strip in list(strips_of(editor)):
        strips_of(editor).remove(strip)
    frame = 1
    for channel, file in files:
        strip = strips_of(editor).new_sound(Path(file).stem, file, channel, frame)
        frame = strip.frame_final_end + 6
    scene.frame_end = frame
    view = view_space().region_3d
    view.view_location, view.view_distance = (0.45, 0.0, 0.21), 1.6


def foreign_character():
    """A face of somebody else's: the head's mesh without its rig, under other names."""
    scene = bpy.context.scene
    (face,) = [o for o in scene.rhetor.head.children if o.type == "MESH" and o.data.shape_keys][:1]
    other = face.copy()
    other.data = face.data.copy()
    other.name, other.parent = "Mira", None
    for modifier in list(other.modifiers):
        other.modifiers.remove(modifier)
    for item in (other, other.data, other.data.shape_keys):
        item.animation_data_clear()
        for key in list(item.keys()):
            del item[key]
    scene.collection.objects.link(other)
    for item in scene.objects:
        item.hide_set(item != other)
    scene.rhetor.head = other


def redraw_for(seconds):
    """Have panels and status bar redrawn as often as progress does, with nothing else going on."""
    ends = time.perf_counter() + seconds

    def again():
        view_region("UI").tag_redraw()
        bpy.context.workspace.status_text_set_internal(None)
        return 0.1 if time.perf_counter() < ends else None

    bpy.app.timers.register(again)


def theme(name):
    """Blender's own light or dark theme."""
    folders = [Path(folder) for folder in bpy.utils.preset_paths("interface_theme")]
    files = [file for folder in folders for file in folder.iterdir()]
    (path,) = [file for file in files if name.lower() in file.name.lower()]
    menu = "USERPREF_MT_interface_theme_presets"
    with in_view():
        bpy.ops.script.execute_preset(filepath=str(path), menu_idname=menu)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender beside the extension: tells the test what is so, arranges windows.

It never does what is being tested: clicks and keys come from outside. Questions come through a
socket, one JSON list [name, arguments...] a connection, and are answered from a timer that also
measures how long the main thread is away, and how long Rhetor's own code keeps it.
"""

import importlib
import json
import os
import socket
import sys
import time
import traceback
from pathlib import Path

import bpy

TICK_S = 0.01
EXTENSION = "bl_ext.user_default.rhetor"
FINAL_WRITE = "RHETOR_OT_write_take.execute"
OURS = f"{os.sep}user_default{os.sep}rhetor{os.sep}"


class Watch:
    """How long the main thread is away between two ticks, and how long Rhetor's own code keeps it.

    A stay begins where Blender calls a function of the extension and ends with that function. The
    final write is taken out of it and told apart.
    """

    def __init__(self):
        self.last = None
        self.gaps, self.stays, self.writes = [], {}, []
        self.entered = []  # [frame, time, whether it is the final write] of our functions
        self.written = 0.0

    def start(self):
        self.__init__()
        sys.setprofile(self.profile)

    def stop(self):
        sys.setprofile(None)
        return {"gaps": sorted(self.gaps)[-5:], "stays": self.stays, "writes": self.writes}

    def tick(self):
        now = time.perf_counter()
        if self.last is not None:
            self.gaps.append(now - self.last)
        self.last = now

    def profile(self, frame, event, _):
        if event == "call" and OURS in frame.f_code.co_filename:
            if frame.f_code.co_qualname == FINAL_WRITE and self.entered:
                self.entered[-1][2] = True  # what calls the operator: its undo step is in it
            self.entered.append([frame, time.perf_counter(), False])
        elif event == "return" and self.entered and frame is self.entered[-1][0]:
            _, began, is_final_write = self.entered.pop()
            self.leave(frame.f_code, time.perf_counter() - began, is_final_write)

    def leave(self, code, stay, is_final_write):
        if is_final_write:
            self.written += stay
            self.writes.append(stay)
        if not self.entered:
            name = f"{Path(code.co_filename).name}:{code.co_qualname}"
            self.stays[name] = max(stay - self.written, self.stays.get(name, 0.0))
            self.written = 0.0


watch = Watch()


def is_here():
    """Whether the main loop runs."""
    return True


def windows():
    """Windows with their areas and regions; boxes are x, y (from the bottom), width, height."""
    return [
        {
            "size": (window.width, window.height),
            "areas": [
                {
                    "type": area.type,
                    "ui_type": area.ui_type,
                    "regions": {r.type: (r.x, r.y, r.width, r.height) for r in area.regions},
                }
                for area in window.screen.areas
            ],
        }
        for window in bpy.context.window_manager.windows
    ]


def installed():
    """Whether the extension is enabled, and its version."""
    return {
        "is_enabled": EXTENSION in bpy.context.preferences.addons,
        "is_loaded": f"{EXTENSION}.addon" in sys.modules,
    }


def tab():
    """The sidebar's open tab; "" where the sidebar is closed."""
    region = _region("UI")
    return region.active_panel_category if _space().show_region_ui else ""


def scene():
    """The scene's settings, what the head shows, and the file."""
    settings = bpy.context.scene.rhetor
    return {
        "audio": settings.audio,
        "head": settings.head and settings.head.name,
        "seed": settings.seed,
        "performance": settings.head and _performance(settings.head),
        "file": bpy.data.filepath,
        "is_dirty": bpy.data.is_dirty,
    }


def _performance(head):
    keys = [c.data.shape_keys for c in head.children if c.type == "MESH" and c.data.shape_keys]
    return {
        "frame": bpy.context.scene.frame_current,
        "pose": [round(v, 6) for v in head.pose.bones["head"].rotation_euler],
        "face": {key.name: round(key.value, 6) for key in keys[0].key_blocks},
    }


def takes():
    """Names of the head's takes, of those that play, and the amount of the playing one."""
    head = bpy.context.scene.rhetor.head
    character = _module("character").find_character(head)
    entries = _module("takes").takes_of(character) if character is not None else []
    playing = [entry for entry in entries if entry.plays]
    return {
        "names": [entry.name for entry in entries],
        "playing": [entry.name for entry in playing],
        "head_rotation": playing[0].main.rhetor_amounts.head_rotation if playing else None,
    }


def session():
    """The running job."""
    current = _module("session").current
    return {
        "phase": current.phase.value,
        "fraction": current.fraction,
        "stage": current.stage,
        "error": current.error and str(current.error),
    }


def sounds():
    """Recordings in the sequencer with their start, and whether this Blender can have any."""
    editor = bpy.context.scene.sequence_editor
    every = "strips" if hasattr(editor, "strips") else "sequences"
    found = [s for s in getattr(editor, every, ()) if s.type == "SOUND"]
    return {
        "is_possible": bpy.app.build_options.audaspace,
        "strips": [(strip.name, strip.frame_final_start) for strip in found],
    }


def measure(is_on):
    """Start measuring; or stop and tell."""
    return watch.start() if is_on else watch.stop()


def arrange_view():
    """Look at the head from the front, a little from the side, in the colours of its materials."""
    space = _space()
    space.shading.type, space.shading.color_type = "SOLID", "VERTEX"
    overlay = space.overlay
    overlay.show_floor = overlay.show_axis_x = overlay.show_axis_y = False
    overlay.show_cursor = overlay.show_object_origins = False
    overlay.show_relationship_lines = overlay.show_extras = False
    space.lens = 85
    with _override():
        bpy.ops.view3d.view_axis(type="FRONT")
    view = space.region_3d
    view.view_perspective = "PERSP"
    view.view_location, view.view_distance = (0.07, 0.0, 0.225), 0.78


def empty_scene():
    """Away with the cube, the camera and the light."""
    for item in list(bpy.data.objects):
        bpy.data.objects.remove(item)


def redraw_for(seconds):
    """Have the 3D view redrawn as often as progress does, with nothing else going on."""
    ends = time.perf_counter() + seconds

    def again():
        for area in bpy.context.window_manager.windows[0].screen.areas:
            if area.type in {"VIEW_3D", "STATUSBAR"}:
                area.tag_redraw()
        return 0.1 if time.perf_counter() < ends else None

    bpy.app.timers.register(again)


def theme(name):
    """Blender's own light or dark theme."""
    folders = [Path(folder) for folder in bpy.utils.preset_paths("interface_theme")]
    files = [file for folder in folders for file in folder.iterdir()]
    (path,) = [file for file in files if name.lower() in file.name.lower()]
    menu = "USERPREF_MT_interface_theme_presets"
    with _override():
        bpy.ops.script.execute_preset(filepath=str(path), menu_idname=menu)


QUESTIONS = (
    is_here, windows, installed, tab, scene, takes, session, sounds, measure,
    arrange_view, empty_scene, redraw_for, theme,
)  # fmt: skip
_named = {question.__name__: question for question in QUESTIONS}


def _module(name):
    return importlib.import_module(f"{EXTENSION}.addon.{name}")


def _area():
    areas = bpy.context.window_manager.windows[0].screen.areas
    return next(area for area in areas if area.type == "VIEW_3D")


def _region(kind):
    return next(region for region in _area().regions if region.type == kind)


def _space():
    return _area().spaces.active


def _override():
    window = bpy.context.window_manager.windows[0]
    return bpy.context.temp_override(window=window, area=_area(), region=_region("WINDOW"))


def _answer(line):
    name, *arguments = json.loads(line)
    try:
        return {"answer": _named[name](*arguments)}
    except Exception:
        return {"failure": traceback.format_exc()}


def _tick():
    watch.tick()
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return TICK_S
    with connection:
        connection.setblocking(True)
        connection.settimeout(2.0)
        line = connection.makefile("r").readline()
        connection.sendall((json.dumps(_answer(line)) + "\n").encode())
    return TICK_S


def _prepare():
    preferences = bpy.context.preferences
    preferences.view.show_splash = False
    preferences.view.show_tooltips = True
    preferences.view.filebrowser_display_type = "SCREEN"
    preferences.use_preferences_save = False


server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[sys.argv.index("--") + 1])
server.listen(4)
server.setblocking(False)
_prepare()
bpy.app.timers.register(_tick, first_interval=1.0, persistent=True)

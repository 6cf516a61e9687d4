# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender beside the extension: tells the test what is so, arranges windows.

It never does what is being tested: clicks and keys come from outside. Questions come through a
socket, one JSON list [name, arguments...] a connection, and are answered from a timer that also
measures how long the main thread is away, and how long Rhetor's own code keeps it.
"""

import importlib
import json
import socket
import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import driver_scenes
from driver_scenes import EXTENSION, strips_of, view_region, view_space
from driver_watch import Watch

TICK_S = 0.01


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
    region = view_region("UI")
    return region.active_panel_category if view_space().show_region_ui else ""


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
    character = _module("characters.character").find_character(head)
    entries = _module("takes.takes").takes_of(character) if character is not None else []
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
    found = [] if editor is None else [s for s in strips_of(editor) if s.type == "SOUND"]
    return {
        "is_possible": bpy.app.build_options.audaspace,
        "strips": [(strip.name, strip.frame_final_start) for strip in found],
    }


def measure(is_on):
    """Start measuring; or stop and tell."""
    return watch.start() if is_on else watch.stop()


QUESTIONS = (
    is_here, windows, installed, tab, scene, takes, session, sounds, measure,
    driver_scenes.arrange_view, driver_scenes.empty_scene, driver_scenes.foreign_character,
    driver_scenes.name_engine, driver_scenes.new_file, driver_scenes.redraw_for,
    driver_scenes.second_speaker, driver_scenes.set_style, driver_scenes.show_preferences,
    driver_scenes.theme,
)  # fmt: skip
_named = {question.__name__: question for question in QUESTIONS}


def _module(name):
    return importlib.import_module(f"{EXTENSION}.addon.{name}")


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

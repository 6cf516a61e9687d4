# SPDX-License-Identifier: GPL-3.0-or-later
"""Close Blender in the middle of a job."""

import os
import signal
import sys
import time

import bpy
import performances
import scenario


def main(audio: str, manner: str) -> None:
    bpy.context.scene.rhetor.audio = audio
    performances.create_head(hair=False)
    session = scenario.module("addon.session").current
    order = scenario.module("addon.scene_read").read_order(bpy.context)
    python = scenario.module("addon.prefs").engine_python(bpy.context)
    session.submit_all([order, order], python)
    while session.fraction <= 0.0:
        session.pump()
        time.sleep(0.01)
    print("engine", session._client._worker._process.pid, flush=True)
    if manner == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit()


scenario.enable()
main(*sys.argv[1:])

# SPDX-License-Identifier: GPL-3.0-or-later
"""A later session: what was left unfinished is offered, and resumed."""

import os
import signal

import bpy
import learn
import scenario
import style_files


def main() -> dict:
    current = learn.learning()
    told = {"offered": [order.label for order in current.unfinished]}
    assert bpy.ops.rhetor.resume_style(name="abandoned") == {"FINISHED"}
    told["went on"] = list(current.warnings)
    told["style"] = bpy.context.scene.rhetor.style
    assert "abandoned" in style_files.offered() and current.unfinished == ()
    learn.begin("killed", "f.mp4")
    (told["worker"],) = learn.children()
    print(f"\n{told}".replace("'", '"'), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return told


if __name__ == "__main__":
    scenario.run(main)

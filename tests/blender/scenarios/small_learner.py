# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker whose `new_style` takes two seconds instead of ten minutes; the rest is the real one.

It resumes where it stopped, as the engine does. What the videos are called decides how it ends.
"""

import json
import os
import struct
import time
from pathlib import Path

from rhetor.engine import styles, worker
from rhetor.engine.head.channels import HEAD_MODEL_ID
from rhetor.engine.protocol.errors import DatasetError
from rhetor.engine.protocol.weights_header import METADATA_KEY, read_description

STEPS = 40
STEP_S = 0.05


class Handlers:
    """The methods of this worker."""

    def __init__(self):
        self.immediate = {}
        self.queued = {"new_style": new_style}
        self.names = tuple(self.queued)

    def engine(self):
        return self

    def warm_up(self):
        return "cpu"


def new_style(job):
    params = job.request.params
    assert set(params) == {"videos", "name", "label", "description"}, params
    names = [Path(video).name for video in params["videos"]]
    work = styles.material_dir(params["name"])
    (work / "dataset").mkdir(parents=True, exist_ok=True)
    done = work / "steps"
    first = int(done.read_text()) if done.exists() else 0
    if first:
        job.warn(f"Going on after step {first}.")
    for step in range(first, STEPS):
        stage = "Following the face" if step < STEPS // 2 else "Learning the motion"
        job.progress(step / STEPS, stage)
        time.sleep(STEP_S)
        done.write_text(str(step + 1))
        if step == 5 and "nobody.mp4" in names:
            raise DatasetError("No face was found in nobody.mp4.", "Use a video that shows one.")
        if step == 5 and "crash.mp4" in names and not first:
            os._exit(7)
    entry = write(params)
    return {"style": entry.to_json()}, {}


def write(params):
    extractor = read_description(styles.WEIGHTS_DIR / "features.safetensors")["id"]
    description = {
        "kind": styles.STYLE_KIND,
        "label": params["label"],
        "description": params["description"],
        "feature_extractor": extractor,
        "head_model": HEAD_MODEL_ID,
    }
    header = json.dumps({"__metadata__": {METADATA_KEY: json.dumps(description)}}).encode()
    path = styles.check_new_name(params["name"])
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return styles.find_style(params["name"])


worker.Handlers = Handlers
worker.serve()

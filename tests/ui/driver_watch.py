# SPDX-License-Identifier: GPL-3.0-or-later
"""Part of the driver in Blender: measures what keeps the main thread."""

import os
import sys
import time
from pathlib import Path

OURS = f"{os.sep}user_default{os.sep}rhetor{os.sep}"
FINAL_WRITE = "RHETOR_OT_write_take.execute"


class Watch:
    """How long the main thread is away between two ticks, and how long Rhetor's own code keeps it.

    A stay begins where Blender calls a function of the extension and ends with that function. The
    final write is taken out of it and told apart.
    """

    def __init__(self):
        self.last = None
        self.gaps, self.gaps_of_writes, self.stays, self.writes = [], [], {}, []
        self.entered = []  # [frame, time, whether it is the final write] of our functions
        self.written = 0.0

    def start(self):
        self.__init__()
        sys.setprofile(self.profile)

    def stop(self):
        sys.setprofile(None)
        return {
            "gaps": sorted(self.gaps)[-5:],
            "gaps_of_writes": sorted(self.gaps_of_writes)[-5:],
            "stays": self.stays,
            "writes": self.writes,
        }

    def tick(self):
        now = time.perf_counter()
        if self.last is not None:
            # What Blender evaluates and draws because of new keys comes with their write.
            (self.gaps_of_writes if self.writes else self.gaps).append(now - self.last)
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

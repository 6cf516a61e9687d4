# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processor threads the networks use. Import this before torch: OpenMP looks once."""

from __future__ import annotations

import os

MAX_THREADS = 4
"""The networks are small: more threads wait for each other longer than they work."""


def limit_threads() -> None:
    """Settle the thread count for torch, unless the environment already does.

    Half of the processors, because Blender needs the other half, and threads that sleep while
    they wait: spinning ones made a busy machine eight times slower.
    """
    threads = max(1, min(MAX_THREADS, (os.cpu_count() or 1) // 2))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

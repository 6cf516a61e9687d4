# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests use as many threads as the worker does; settled before any of them imports torch."""

from rhetor.engine.threads import limit_threads

limit_threads()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the default head from MakeHuman data: `python -m rhetor.engine.head.build`."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Rhetor's own head: mesh, rig, materials, looks."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles of head motion: the menu of those that are installed, and learning new ones."""

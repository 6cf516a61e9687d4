# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's process, the line of jobs, and what happens while they run."""

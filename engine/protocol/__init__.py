# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides share: frames, messages, Take, errors. Standard library and numpy only."""

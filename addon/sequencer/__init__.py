# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound: recordings, strips of the sequencer, dialogues, and animation that follows them."""

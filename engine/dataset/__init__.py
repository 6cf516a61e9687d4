# SPDX-License-Identifier: GPL-3.0-or-later
"""Material to train on: speech with phone times, articulation targets, head motion."""

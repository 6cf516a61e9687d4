# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech features: 29-character, 50 Hz logits behind one interface."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of the three networks: losses at work, checkpoints, resume, logs."""

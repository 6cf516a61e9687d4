# SPDX-License-Identifier: GPL-3.0-or-later
"""Without a window: commands, batches, and a studio to render in."""

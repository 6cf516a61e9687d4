# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes: written as keys, played beside other animation, compared, scaled, exported."""

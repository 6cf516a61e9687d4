# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a character does not move as it is keyed."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the engine's environment. Standard library only; see docs/adr on the installation."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that take performances: our own head, and any other that is set up."""

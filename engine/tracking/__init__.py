# SPDX-License-Identifier: GPL-3.0-or-later
"""From a video of a face to head pose, identity and expression of the default head."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""PGFace: speech + pose → face shape (Zhang et al., TVCG 2021, appendix B)."""

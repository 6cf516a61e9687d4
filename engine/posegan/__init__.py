# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN: speech → head pose (Zhang et al., TVCG 2021, appendix A)."""

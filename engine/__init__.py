# SPDX-License-Identifier: GPL-3.0-or-later
"""The torch side: audio → speech features → PoseGAN → PGFace → Take. Knows nothing of Blender."""

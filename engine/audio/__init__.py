# SPDX-License-Identifier: GPL-3.0-or-later
"""From a file to a clean 16 kHz waveform, its spectra and its prosody."""

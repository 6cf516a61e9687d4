# SPDX-License-Identifier: GPL-3.0-or-later
"""Our expression units on somebody else's shape keys: landmarks, registration, transfer, solve."""

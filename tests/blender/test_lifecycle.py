# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as a guest in Blender."""


def test_it_comes_and_goes_without_a_trace(blender):
    result = blender.run("lifecycle")
    assert result["documented"] == [] and result["unexplained"] == []
    assert result["styles"][0] == "neutral" and len(result["styles"]) > 1

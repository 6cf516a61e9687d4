# SPDX-License-Identifier: GPL-3.0-or-later
"""PGFace has the structure of the source, found by walking its modules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rhetor.engine.pgface.config import PAPER, PLUS, PRESETS
from rhetor.engine.pgface.network import PGFace, WindowConv


def _leaves(network: nn.Module) -> list[nn.Module]:
    """Modules without children in the order in which a forward pass runs them."""
    order: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda m, _i, _o: order.append(m))
        for module in network.modules()
        if not list(module.children())
    ]
    network(torch.randn(4, 35, 16), torch.randn(4, 4, 16))
    for hook in hooks:
        hook.remove()
    return order


@pytest.mark.parametrize("preset", PRESETS)
def test_four_convolutions_each_with_norm_and_relu_then_three_fully_connected(preset):
    order = [m for m in _leaves(PGFace(PRESETS[preset])) if not isinstance(m, nn.Embedding)]
    expected = [nn.Conv1d, nn.BatchNorm1d, nn.ReLU] * 4
    expected += [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]
    assert len(order) == len(expected)
    assert all(isinstance(m, kind) for m, kind in zip(order, expected, strict=True))


@pytest.mark.parametrize(
    ("config", "widths"), [(PAPER, [32, 32, 64, 64]), (PLUS, [64, 128, 256, 256])]
)
def test_convolutions_halve_sixteen_frames_to_one(config, widths):
    convolutions = [m for m in _leaves(PGFace(config)) if isinstance(m, nn.Conv1d)]
    assert [c.out_channels for c in convolutions] == widths
    assert convolutions[0].in_channels == 6 + 29
    assert all((c.kernel_size, c.stride, c.padding) == ((3,), (2,), (1,)) for c in convolutions)
    x = torch.randn(2, 16, 35)
    for conv, frames in zip(convolutions, (8, 4, 2, 1), strict=True):
        x = conv(x)
        assert x.shape[1] == frames


@pytest.mark.parametrize("preset", PRESETS)
def test_gives_identity_and_expression_of_a_window(preset):
    identity, expression = PGFace(PRESETS[preset])(torch.randn(3, 35, 16), torch.randn(3, 4, 16))
    assert identity.shape == (3, 50)
    assert expression.shape == (3, 52)


def test_only_plus_has_styles_and_prosody():
    assert PAPER.styles == () and not PAPER.prosody
    assert not any(isinstance(m, nn.Embedding) for m in PGFace(PAPER).modules())
    first = next(m for m in PGFace(PLUS).modules() if isinstance(m, nn.Linear))
    assert first.in_features == 256 + 16 + 4 * 16


@pytest.mark.parametrize("frames", [2, 4, 8, 16])
def test_window_convolution_is_the_convolution(frames):
    torch.manual_seed(0)
    conv, x = WindowConv(5, 7), torch.randn(3, frames, 5)
    wanted = nn.functional.conv1d(x.transpose(1, 2), conv.weight, conv.bias, stride=2, padding=1)
    torch.testing.assert_close(conv(x), wanted.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_inputs_are_standardised_by_stored_statistics():
    torch.manual_seed(0)
    network = PGFace(PAPER).eval()
    window = torch.randn(6, 35, 16)
    before = network(window)[1]
    scale, shift = 3.0, 5.0
    frames = torch.randn(20_000, 35) * scale + shift
    network.set_statistics(frames, torch.randn(20_000, 4))
    after = network(window * scale + shift)[1]
    unscaled = network(window)[1]
    assert (before - after).abs().max() < 0.2 * (before - unscaled).abs().max()

# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseGAN is built as its source says. Seen by running it, not by the names of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from rhetor.engine.posegan.discriminators import (
    MotionCritic,
    PatchDiscriminator,
    SpeechCritic,
    motion_channels,
)
from rhetor.engine.posegan.generator import PoseGenerator, preset_config

FRAMES = 256
LEAVES = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.ReLU)


@dataclass
class Call:
    """One leaf module as it ran: what it was, what came in, what went out."""

    module: nn.Module
    inputs: torch.Tensor
    output: torch.Tensor


def make_inputs(generator: PoseGenerator, frames: int = FRAMES) -> tuple[torch.Tensor, ...]:
    config = generator.config
    torch.manual_seed(0)
    inputs = [torch.randn(2, frames, config.input_size), torch.randn(2, 6)]
    if generator.style is not None:
        inputs += [generator.style(torch.tensor([1, 2])), torch.randn(2, frames, 16)]
    return tuple(inputs)


def trace(generator: PoseGenerator) -> list[Call]:
    """Leaf modules of the generator in the order in which they run."""
    calls: list[Call] = []
    hooks = [
        m.register_forward_hook(lambda m, i, o: calls.append(Call(m, i[0].clone(), o.clone())))
        for m in generator.modules()
        if not list(m.children())
    ]
    inputs = make_inputs(generator)
    calls.clear()  # the style table ran while the inputs were made
    generator(*inputs)
    for hook in hooks:
        hook.remove()
    return calls


@pytest.fixture(params=["paper", "plus"])
def generator(request: pytest.FixtureRequest) -> PoseGenerator:
    torch.manual_seed(0)
    return PoseGenerator(preset_config(request.param, width=8)).eval()


def convolutions(calls: list[Call]) -> list[int]:
    return [i for i, c in enumerate(calls) if isinstance(c.module, nn.Conv1d | nn.ConvTranspose1d)]


def test_nothing_but_convolution_normalisation_and_relu(generator: PoseGenerator) -> None:
    assert all(isinstance(c.module, LEAVES) for c in trace(generator))


def test_every_convolution_but_the_last_has_normalisation_and_relu(
    generator: PoseGenerator,
) -> None:
    calls = trace(generator)
    *inner, last = convolutions(calls)
    for i in inner:
        norm, relu = calls[i + 1], calls[i + 2]
        assert isinstance(norm.module, nn.BatchNorm1d)
        assert isinstance(relu.module, nn.ReLU)
        torch.testing.assert_close(norm.inputs, calls[i].output)  # it is this one's output
        torch.testing.assert_close(relu.output, norm.output.relu())
    assert last == len(calls) - 1  # nothing bends the result


def test_five_down_then_five_up(generator: PoseGenerator) -> None:
    calls = trace(generator)
    changes = [
        (c.inputs.shape[2], c.output.shape[2])
        for c in (calls[i] for i in convolutions(calls))
        if c.inputs.shape[2] != c.output.shape[2]
    ]
    down = [(256, 128), (128, 64), (64, 32), (32, 16), (16, 8)]
    assert changes == down + [(b, a) for a, b in reversed(down)]
    for c in (calls[i] for i in convolutions(calls)):
        if c.inputs.shape[2] > c.output.shape[2]:
            assert type(c.module) is nn.Conv1d
            assert (c.module.kernel_size, c.module.stride) == ((4,), (2,))
        elif c.inputs.shape[2] < c.output.shape[2]:
            assert type(c.module) is nn.ConvTranspose1d
            assert (c.module.kernel_size, c.module.stride) == ((4,), (2,))


def test_skips_carry_each_level_across(generator: PoseGenerator) -> None:
    """What goes into the layer after an upsampling ends with the down side's output there."""
    calls = trace(generator)
    order = convolutions(calls)
    up = [i for i in order if isinstance(calls[i].module, nn.ConvTranspose1d)]
    down = [i for i in order if calls[i].inputs.shape[2] > calls[i].output.shape[2]]
    entering_down = [calls[i].inputs for i in down]  # the skip of each level
    for i, skip in zip(up, reversed(entering_down), strict=True):
        following = calls[order[order.index(i) + 1]].inputs
        width = calls[i].output.shape[1]
        torch.testing.assert_close(following[:, :width], calls[i + 2].output)
        torch.testing.assert_close(following[:, width : width + skip.shape[1]], skip)


def test_decoder_is_three_convolutions_behind_the_initial_pose(generator: PoseGenerator) -> None:
    calls = trace(generator)
    order = convolutions(calls)
    last_up = max(i for i in order if isinstance(calls[i].module, nn.ConvTranspose1d))
    decoder = [calls[i] for i in order if i > last_up]
    assert len(decoder) == 3
    kinds = [type(c.module) for c in calls[order[order.index(last_up) + 1] :]]
    block = [nn.Conv1d, nn.BatchNorm1d, nn.ReLU]
    assert kinds == [*block, *block, nn.Conv1d]
    heard = 2 * generator.config.width
    extra = decoder[0].inputs.shape[1] - heard
    assert extra == {"paper": 6, "plus": 6 + 32 + 16}[generator.config.preset]
    tiled = decoder[0].inputs[:, heard : heard + 6]
    initial_pose = make_inputs(generator)[1]
    torch.testing.assert_close(tiled, initial_pose[:, :, None].expand(-1, -1, FRAMES))
    assert decoder[2].output.shape == (2, 6, FRAMES)


def test_pose_sequence_of_256_frames_from_a_pose_in_r6(generator: PoseGenerator) -> None:
    inputs = make_inputs(generator)
    assert inputs[0].shape[2] == {"paper": 29, "plus": 33}[generator.config.preset]
    assert inputs[1].shape == (2, 6)
    assert generator(*inputs).shape == (2, 256, 6)


def test_initial_pose_is_in_physical_units() -> None:
    """Scaling is inside: a pose at the stored mean is zero to the network."""
    generator = PoseGenerator(preset_config("paper", width=8)).eval()
    generator.pose_mean.copy_(torch.tensor([0.1, 0.2, 0.3, 10.0, 20.0, 30.0]))
    generator.pose_std.copy_(torch.tensor([0.01, 0.02, 0.03, 1.0, 2.0, 3.0]))
    assert generator.scale(generator.pose_mean).abs().max() == 0
    near = generator(torch.randn(1, 256, 29), generator.pose_mean[None])
    assert ((near - generator.pose_mean) / generator.pose_std).abs().max() < 10


def test_plus_begins_exactly_at_the_initial_pose() -> None:
    generator = PoseGenerator(preset_config("plus", width=8)).eval()
    inputs = make_inputs(generator)
    assert torch.equal(generator(*inputs)[:, 0], inputs[1])


@pytest.mark.parametrize("width", [64, 256])
def test_width_is_a_setting(width: int) -> None:
    count = sum(p.numel() for p in PoseGenerator(preset_config("paper", width)).parameters())
    assert count == pytest.approx({64: 0.6e6, 256: 9.3e6}[width], rel=0.1)


def test_critics_see_differences_audio_and_person() -> None:
    config = preset_config("plus", width=8)
    pose, step_std = torch.randn(2, FRAMES, 6), torch.full((6,), 0.1)
    motion = motion_channels(pose, step_std, with_acceleration=True)
    torch.testing.assert_close(motion[:, 6:12, 1:], torch.diff(pose, dim=1).mT / 0.1)
    torch.testing.assert_close(motion[:, 12:, 2:], 2 * torch.diff(pose, n=2, dim=1).mT / 0.1)
    scores = [v.score for v in MotionCritic()(motion)]
    assert [s.shape[2] for s in scores] == [16, 8, 4]  # three time scales
    critic = SpeechCritic(config).eval()
    audio = torch.randn(2, 33, FRAMES)
    score = critic(motion, audio, torch.tensor([1, 2]))[0].score
    assert not torch.equal(score, critic(motion, audio.roll(1, 0), torch.tensor([1, 2]))[0].score)
    assert not torch.equal(score, critic(motion, audio, torch.tensor([2, 1]))[0].score)
    patch = PatchDiscriminator()
    assert patch(motion[:, :12])[0].score.shape[2] > 16  # patches, not one verdict
    slopes = {m.negative_slope for m in patch.modules() if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}


def test_plus_critics_are_spectrally_normalised() -> None:
    for critic in (MotionCritic(), SpeechCritic(preset_config("plus"))):
        layers = [m for m in critic.modules() if isinstance(m, nn.Conv1d)]
        assert layers
        assert all(nn.utils.parametrize.is_parametrized(m, "weight") for m in layers)

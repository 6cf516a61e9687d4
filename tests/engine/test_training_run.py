# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed goes on exactly where its checkpoint stood; one with other settings not."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rhetor.engine.protocol.errors import ConfigError
from rhetor.engine.training.early_stopping import EarlyStopping
from rhetor.engine.training.motion_plots import pose_figure
from rhetor.engine.training.run import ExponentialAverage, TrainingRun


class Tiny:
    """A training with everything random that trainings have: dropout, noise, order of batches."""

    def __init__(self, folder: Path, rate: float = 0.01):
        torch.manual_seed(5)
        self.order = np.random.default_rng(7)
        self.inputs = torch.randn(64, 3)
        self.model = nn.Sequential(
            nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1)
        )
        self.optimiser = torch.optim.AdamW(self.model.parameters(), rate)
        self.average = ExponentialAverage(self.model, 0.9)
        parts = {"model": self.model, "optimiser": self.optimiser, "average": self.average}
        settings = {"training": {"rate": rate, "steps": 0}}
        self.run = TrainingRun(folder, settings, parts, {"order": self.order})

    def step(self) -> None:
        chosen = torch.from_numpy(self.order.permutation(64)[:16])
        batch = self.inputs[chosen] + 0.1 * torch.randn(16, 3)
        loss = (self.model(batch) - batch.sum(1, keepdim=True)).square().mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.average.update(self.model)
        self.run.step += 1

    def weights(self) -> dict[str, torch.Tensor]:
        averaged = {f"average.{k}": v for k, v in self.average.state_dict().items()}
        return {**self.model.state_dict(), **averaged}


SLOW_TRAINING = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_training_run import Tiny
tiny = Tiny(Path({folder!r}))
while tiny.run.step < 60:
    tiny.step()
    time.sleep(0.02)
    if tiny.run.step % 4 == 0:
        tiny.run.save()
    print(tiny.run.step, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_killed_training_ends_with_the_same_weights(tmp_path):
    whole = Tiny(tmp_path / "whole")
    for _ in range(60):
        whole.step()
    script = SLOW_TRAINING.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "run"))
    starts = []
    for until in (22, 60):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
        )
        steps = []
        for line in process.stdout:
            steps.append(int(line))
            if steps[-1] == until and until < 60:
                process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert process.returncode == (0 if until == 60 else -signal.SIGKILL)
        starts.append(steps[0])
    assert starts[0] == 1 and 16 < starts[1] <= 29
    resumed = Tiny(tmp_path / "run")
    assert resumed.run.step == 60
    for name, value in whole.weights().items():
        torch.testing.assert_close(resumed.weights()[name], value, rtol=0, atol=0, msg=name)


def test_resume_is_exact_only_with_the_random_numbers(tmp_path):
    """The test above could fail: without the generators' states the weights do differ."""
    whole, stopped = Tiny(tmp_path / "whole"), Tiny(tmp_path / "stopped")
    for tiny, steps in ((whole, 8), (stopped, 4)):
        for _ in range(steps):
            tiny.step()
    stopped.run.generators = {}
    stopped.run.save()
    saved = torch.load(tmp_path / "stopped" / "last.pt", weights_only=True)
    saved["random"][0]["numpy"]["order"] = json.dumps(np.random.default_rng(8).bit_generator.state)
    torch.save(saved, tmp_path / "stopped" / "last.pt")
    again = Tiny(tmp_path / "stopped")
    for _ in range(4):
        again.step()
    assert not torch.equal(again.weights()["0.weight"], whole.weights()["0.weight"])


def test_other_settings_are_refused_with_the_difference(tmp_path):
    tiny = Tiny(tmp_path)
    tiny.step()
    tiny.run.save()
    with pytest.raises(ConfigError) as caught:
        Tiny(tmp_path, rate=0.02)
    assert '-    "rate": 0.01' in caught.value.message
    assert '+    "rate": 0.02' in caught.value.message
    assert "another folder" in caught.value.hint
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["training"]["rate"] == 0.01, "the run's own settings stay"


def test_a_run_goes_on_to_another_last_step(tmp_path):
    tiny = Tiny(tmp_path)
    tiny.step()
    tiny.run.save()
    TrainingRun(tmp_path, {"training": {"rate": 0.01, "steps": 99}}, {})


def test_before_the_first_checkpoint_settings_may_change(tmp_path):
    Tiny(tmp_path)
    Tiny(tmp_path, rate=0.02)
    assert json.loads((tmp_path / "config.json").read_text())["training"]["rate"] == 0.02


def test_scalars_and_figures_reach_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tiny = Tiny(tmp_path)
    tiny.run.step = 3
    tiny.run.log({"loss": 0.5})
    motion = np.cumsum(np.random.default_rng(0).normal(0, 0.01, (90, 6)), axis=0)
    tiny.run.plot("pose", pose_figure(motion, motion + 0.02))
    tiny.run.close()
    events = EventAccumulator(str(tmp_path / "log"))
    events.Reload()
    (scalar,) = events.Scalars("loss")
    assert (scalar.step, scalar.value) == (3, 0.5)
    (image,) = events.Images("pose")
    assert image.step == 3 and image.encoded_image_string[:4] == b"\x89PNG"


def test_early_stopping_keeps_the_best_and_ends_at_patience():
    network = nn.Linear(2, 1)
    stopping = EarlyStopping(patience=2, smallest=0.01)
    for step, figure in enumerate((1.0, 0.5, 0.495, float("nan"))):
        assert not stopping.should_stop
        nn.init.constant_(network.weight, float(step))
        assert stopping.update(figure, step, network) == (step < 2)
    assert stopping.should_stop and (stopping.best, stopping.best_step) == (0.5, 1)
    assert stopping.best_weights["weight"].tolist() == [[1.0, 1.0]]
    restored = EarlyStopping(patience=2, smallest=0.01)
    restored.load_state_dict(stopping.state_dict())
    assert restored.should_stop and restored.best_step == 1
    assert restored.update(0.4, 9, network) and not restored.should_stop


def test_a_figure_that_should_rise_is_watched_the_other_way_round():
    network = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=1, higher_is_better=True)
    assert stopping.update(0.2, 0, network) and stopping.update(0.3, 1, network)
    assert not stopping.update(0.1, 2, network) and stopping.should_stop
    never = EarlyStopping(patience=0)
    never.update(1.0, 0, network)
    for step in range(50):
        never.update(2.0, step, network)
    assert not never.should_stop


def test_a_young_run_with_a_broken_write_starts_over(tmp_path):
    """A kill while the first checkpoint is written leaves a partial file, never a damaged one."""
    (tmp_path / "last.partial").write_bytes(b"half a checkpoint")
    assert Tiny(tmp_path).run.step == 0
    started = time.monotonic()
    tiny = Tiny(tmp_path)
    tiny.run.save()
    assert time.monotonic() - started < 30 and not (tmp_path / "last.partial").exists()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes that torchrun starts train as one with the doubled batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from rhetor.engine.training import distributed
from rhetor.engine.training.acceleration import Acceleration
from rhetor.engine.training.run import ExponentialAverage, TrainingRun

STEPS = 6


class Tiny:
    """A small training; all processes' batches are cut from the same inputs."""

    def __init__(self, folder: Path, normalised: bool):
        torch.manual_seed(3)
        inputs = torch.randn(STEPS, 8, 4)
        share = 8 // distributed.world_size()
        self.inputs = inputs[:, distributed.rank() * share :][:, :share]
        torch.manual_seed(3 + distributed.rank())  # TrainingRun has to make the weights equal
        layers = [nn.Linear(4, 6), nn.BatchNorm1d(6)] if normalised else [nn.Linear(4, 6)]
        self.network = nn.Sequential(*layers, nn.Tanh(), nn.Linear(6, 1))
        torch.manual_seed(3)
        self.acceleration = Acceleration("cpu")
        self.optimiser = torch.optim.SGD(self.network.parameters(), 0.1, momentum=0.9)
        self.average = ExponentialAverage(self.network, 0.5)
        parts = {"network": self.network, "sgd": self.optimiser, "average": self.average}
        distributed.seed_this_process(3)
        self.run = TrainingRun(folder, {}, parts)

    def train(self) -> torch.Tensor:
        while self.run.step < STEPS:
            inputs = self.inputs[self.run.step]
            loss = (self.network(inputs) - inputs.sum(1, keepdim=True)).square().mean()
            self.acceleration.update(loss, self.optimiser, self.network.parameters(), 0.5)
            self.average.update(self.network)
            self.run.step += 1
        self.run.save()
        return torch.cat([v.flatten().double() for v in self.network.state_dict().values()])


def child(folder: Path) -> None:
    """What each of the two processes does."""
    with distributed.process_group(torch.device("cpu")):
        assert distributed.world_size() == 2
        for kind, normalised in (("plain", False), ("normalised", True)):
            weights = Tiny(folder / kind, normalised).train()
            both = distributed.gather(weights)
            assert torch.equal(both[0], both[1]), kind
        numbers = distributed.gather(float(torch.rand(())))
        assert numbers[0] != numbers[1], "each draws its own random numbers"
        seeds = distributed.gather(distributed.rank_seed(5))
        assert seeds[0] == 5 and seeds[1] != 5
        assert distributed.agree(distributed.rank()) == 0
        torch.manual_seed(distributed.rank())
        again = Tiny(folder / "plain", False)
        assert again.run.step == STEPS
        (folder / f"rank_{distributed.rank()}").write_text(str(float(torch.rand(()))))


def test_two_processes_make_the_steps_of_one(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         __file__, str(tmp_path)],
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    together = torch.load(tmp_path / "plain" / "last.pt", weights_only=True)
    assert len(together["random"]) == 2, "the random numbers of both are kept"
    alone = Tiny(tmp_path / "alone", False)
    alone.train()
    for name, value in alone.network.state_dict().items():
        torch.testing.assert_close(
            together["parts"]["network"][name], value, rtol=1e-5, atol=1e-7, msg=name
        )
    restored = [float((tmp_path / f"rank_{rank}").read_text()) for rank in (0, 1)]
    assert restored[0] != restored[1], "each goes on with its own random numbers"
    assert list((tmp_path / "plain" / "log").glob("events*")), "the first process logs"
    assert len(list((tmp_path / "plain" / "log").glob("events*"))) <= 2, "and no other"


def test_alone_nothing_happens():
    weight = nn.Parameter(torch.ones(3))
    weight.grad = torch.full((3,), 2.0)
    distributed.average_gradients([weight])
    assert weight.grad.tolist() == [2.0] * 3
    assert distributed.is_first() and distributed.world_size() == 1
    assert distributed.rank_seed(7) == 7 and distributed.gather("x") == ["x"]


@pytest.mark.parametrize("precision", ["auto", "full"])
def test_on_the_cpu_an_update_is_plain_pytorch(precision):
    results = []
    for accelerated in (False, True):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
        adam = torch.optim.Adam(network.parameters(), 0.05)
        acceleration = Acceleration("cpu", precision)
        hear = acceleration.compiled(network)
        for _ in range(3):
            batch = acceleration.move({"x": torch.randn(4, 3)})["x"]
            with acceleration.autocast():
                loss = hear(batch).square().mean()
            if accelerated:
                acceleration.update(loss, adam, network.parameters(), 0.1)
            else:
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 0.1)
                adam.step()
        results.append(network.state_dict())
    for name, value in results[0].items():
        assert torch.equal(value, results[1][name])


if __name__ == "__main__":
    child(Path(sys.argv[1]))

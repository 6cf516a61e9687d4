"""A run that is killed goes on exactly where its checkpoint stood."""

from pathlib import Path

import torch
from torch import nn

from rhetor.engine.training.run import ExponentialAverage, TrainingRun


def train(folder: Path, until: int, saves_at: int | None = None) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    model = nn.Linear(3, 2)
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    average = ExponentialAverage(model, 0.9)
    run = TrainingRun(
        folder, {"rate": 0.01}, {"model": model, "optimiser": optimiser, "ema": average}
    )
    while run.step < until:
        loss = model(torch.randn(8, 3)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update(model)
        run.step += 1
        if run.step == saves_at:
            run.log({"loss": loss.item()})
            run.save()
    return {**model.state_dict(), **{f"ema.{k}": v for k, v in average.state_dict().items()}}


def test_resume_is_exact(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 12)
    train(tmp_path / "killed", 9, saves_at=7)  # two steps after the checkpoint are lost
    resumed = train(tmp_path / "killed", 12)
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)
    assert list((tmp_path / "killed" / "log").glob("events*"))

# SPDX-License-Identifier: GPL-3.0-or-later
"""What each addition of `plus` is worth: `python -m rhetor.engine.training.pose_ablations`.

Every variant is trained from the same seed for the same number of steps with one part taken away,
and judged on held-out recordings of the performer: amounts, speed, bands, roughness, whether its
motion belongs to its speech (encoders of another seed than those that taught it), how unlike its
seeds are, how still it is in silence.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..dataset.motion_sequences import MotionSequence, load_sequences
from ..evaluation.pose_metrics import alignment_gain, motion_figures
from ..posegan.match import MatchEncoder
from ..posegan.style import NEUTRAL
from ..posegan.synthesizer import PoseSynthesizer
from ..protocol.take import FloatArray
from .pose_batches import Mix, MotionBatches, varied
from .pose_held_out import unlikeness
from .pose_match import MatchTraining, choice_accuracy, train_match
from .pose_trainer import BEST_OF, PoseTrainer, PoseTraining

_RECORDINGS = 6
_LEAST_FRAMES = 600
_JUDGE_SEED = 101
_MATCH = MatchTraining(steps=300)


@dataclass(frozen=True)
class HeldOut:
    """What variants are judged on: audio of recordings, each person's motion, silence."""

    audio: Sequence[FloatArray]
    real: Mapping[str, Sequence[FloatArray]]
    silence: Sequence[FloatArray]
    judge: MatchEncoder


def variants(whole: PoseTraining) -> dict[str, PoseTraining]:
    """The settings of each variant by what is missing."""
    loss = whole.losses
    return {
        "nothing": whole,
        "motion critic": replace(whole, losses=replace(loss, adversarial=0.0)),
        "speech critic": replace(whole, losses=replace(loss, adversarial_speech=0.0)),
        "noise": replace(whole, noise=False),
        "prosody": replace(whole, prosody=False),
        "style encoder": replace(
            whole, mix=replace(whole.mix, reference_share=0.0), losses=replace(loss, style=0.0)
        ),
        "real people": replace(whole, mix=replace(whole.mix, real_share=0.0)),
        "match loss": replace(whole, losses=replace(loss, match=0.0)),
        "manner loss": replace(whole, losses=replace(loss, manner=0.0, manner_near=0.0)),
    }


def train_variant(
    config: PoseTraining, sequences: Sequence[MotionSequence], match: MatchEncoder
) -> PoseSynthesizer:
    """The averaged generator after a short training."""
    torch.manual_seed(config.seed)
    chosen = [s for s in sequences if config.mix.real_share > 0 or not s.real]
    model = config.model()
    batches = MotionBatches(chosen, model, config.batch, BEST_OF, config.mix)
    heard = match if config.losses.match and config.prosody else None
    trainer = PoseTrainer(config, batches, model, heard)
    for number in range(config.steps):
        trainer.step(number)
    return PoseSynthesizer(trainer.averaged(), torch.device("cpu"))


def judge(synthesizer: PoseSynthesizer, held: HeldOut) -> dict[str, float]:
    """Figures of one variant, means over the styles."""
    rows: list[dict[str, float]] = []
    for name, real in held.real.items():
        style = name if name in synthesizer.styles else NEUTRAL
        made = [_make(synthesizer, a, style, i) for i, a in enumerate(held.audio)]
        m, r = motion_figures(made), motion_figures(real)
        own, other = alignment_gain(made, [a[:, 29:] for a in held.audio])
        pairs = [
            MotionSequence(a, p, name, False, "") for a, p in zip(held.audio, made, strict=True)
        ]
        torch.manual_seed(_JUDGE_SEED)
        still = [_make(synthesizer, a, style, 0) for a in held.silence]
        rows.append(
            {
                "unlikeness": unlikeness(m, r),
                "variance": float(np.exp(2 * np.log(m.deviation / r.deviation).mean())),
                "step": float(np.exp(np.log(m.step / r.step).mean())),
                "jerk": m.jerk / r.jerk,
                "bands": float(np.abs(m.bands - r.bands).max()),
                "beats": own - other,
                "match": choice_accuracy(held.judge, pairs, 200),
                "diversity_deg": _spread(synthesizer, held.audio[0], style),
                "silence_step_deg": float(motion_figures(still).step.mean()) if still else 0.0,
            }
        )
    return {key: round(float(np.mean([r[key] for r in rows])), 3) for key in rows[0]}


def held_out(sequences: Sequence[MotionSequence]) -> HeldOut:
    """Recordings of the performer that nobody was trained on, and a judge trained on them only."""
    spoken = [s for s in sequences if not s.real and s.frame_count >= _LEAST_FRAMES]
    quiet = {id(s.audio) for s in spoken if s.audio[:, 30].mean() < 0.05}
    audio = {id(s.audio): s.audio for s in spoken}
    talked = [key for key in audio if key not in quiet][:_RECORDINGS]
    torch.manual_seed(_JUDGE_SEED)
    rest = [s for s in spoken if id(s.audio) not in talked] or spoken
    return HeldOut(
        [audio[key] for key in talked],
        {
            name: [s.pose for s in spoken if s.person == name and id(s.audio) in talked]
            for name in sorted({s.person for s in spoken})
        },
        [audio[key] for key in audio if key in quiet],
        train_match(rest, _MATCH),
    )


def _make(synthesizer: PoseSynthesizer, audio: FloatArray, style: str, seed: int) -> FloatArray:
    return synthesizer.generate(audio[:, :29], audio[:, 29:], style, seed=seed)


def _spread(synthesizer: PoseSynthesizer, audio: FloatArray, style: str) -> float:
    a, b = (_make(synthesizer, audio, style, seed)[:, :3] for seed in (1, 2))
    return float(np.degrees(np.abs(a - b)).mean())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train and judge PoseGAN without its parts.")
    parser.add_argument("motion", type=Path, nargs="+", help="folders with train/ and val/")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--only", nargs="*", default=(), help="names of variants")
    parser.add_argument("--json", type=Path, required=True, help="file to write, gone on with")
    a = parser.parse_args()
    torch.set_num_threads(1)
    whole = PoseTraining(
        width=a.width,
        steps=a.steps,
        warmup=a.steps // 4,
        warmup_rate=1e-3,
        rate_generator=5e-4,
        average=0.98,
        device="cpu",
        mix=Mix(),
    )
    sequences = varied(load_sequences(a.motion), whole.seed, as_themselves=True)
    torch.manual_seed(whole.seed)
    match = train_match(sequences, _MATCH)
    held = held_out(load_sequences(a.motion, "val"))
    found: dict[str, Any] = json.loads(a.json.read_text()) if a.json.exists() else {}
    for name, config in variants(whole).items():
        if name in found or (a.only and name not in a.only):
            continue
        began = time.process_time()
        figures = judge(train_variant(config, sequences, match), held)
        found[name] = figures | {"cpu_s": round(time.process_time() - began)}
        a.json.write_text(json.dumps(found, indent=1) + "\n")
        print(name, found[name], flush=True)


if __name__ == "__main__":
    main()

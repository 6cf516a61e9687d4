# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the engine: `python -m rhetor.engine.bench [--json FILE]`.

Medians of warm runs on the recording that ships, looped to the length wanted, beside the machine's
own ceilings in the same run. The worker is measured from outside, as Blender meets it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .protocol.frames import Frame, read_frame, write_frame
from .protocol.messages import (
    PROTOCOL_VERSION,
    Failure,
    Hello,
    Message,
    Reply,
    Request,
    from_frame,
    to_frame,
)
from .protocol.requests import AnimateRequest, request_params
from .threads import limit_threads

DEMO_RECORDING = Path(__file__).resolve().parent.parent / "assets" / "demo" / "speech.flac"
SHORT_S = 60.0
LONG_S = 600.0
STARTS = 3

Numbers = dict[str, float]


def measure(recording: Path = DEMO_RECORDING, repeats: int = 5) -> Numbers:
    """All numbers by name; seconds, MB and GFLOP/s as the names say."""
    numbers = machine_ceilings(repeats)
    with tempfile.TemporaryDirectory(prefix="rhetor-bench-") as folder:
        short, long = (
            write_looped(recording, Path(folder) / f"{seconds:g}.wav", seconds)
            for seconds in (SHORT_S, LONG_S)
        )
        numbers |= measure_stages(short, repeats)
        numbers |= measure_worker(short, long)
    numbers["real_time_factor"] = SHORT_S / numbers["animate_60s_s"]
    return numbers


def machine_ceilings(repeats: int) -> Numbers:
    """What this machine reaches on plain matrix products and convolutions, in GFLOP/s."""
    import torch

    size = 1024
    left, right = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    gemm_s = median_s(lambda: left @ right, repeats)
    conv = torch.nn.Conv1d(256, 256, 4)
    batch = torch.randn(8, 256, 256)
    with torch.inference_mode():
        conv_s = median_s(lambda: conv(batch), repeats)
        outputs = conv(batch).numel()
    return {
        "machine_gemm_gflops": 2 * size**3 / gemm_s / 1e9,
        "machine_conv1d_gflops": 2 * outputs * 256 * 4 / conv_s / 1e9,
        "machine_threads": float(torch.get_num_threads()),
    }


def measure_stages(recording: Path, repeats: int) -> Numbers:
    """The whole way and each stage of it, in this process, networks loaded and warm."""
    from .animate import Engine

    engine = Engine()
    engine.warm_up("cpu")
    request = AnimateRequest(str(recording), device="cpu")
    totals: list[float] = []
    stages: dict[str, list[float]] = {}
    for _ in range(repeats + 1):
        started_s = time.perf_counter()
        take = engine.animate(request, lambda fraction, stage: None, lambda text: None)
        totals.append(time.perf_counter() - started_s)
        for name, time_s in take.meta["stage_times_s"].items():
            stages.setdefault(name, []).append(time_s)
    numbers = {"animate_60s_s": statistics.median(totals[1:])}
    for name, times in stages.items():
        key = name.lower().replace(" ", "_")
        numbers[f"stage_{key}_s"] = statistics.median(times[1:])
    return numbers


def measure_worker(short: Path, long: Path) -> Numbers:
    """Start, round trips and peak memory of `rhetor serve`."""
    numbers: Numbers = {}
    starts = []
    for _ in range(STARTS):
        with Worker() as worker:
            starts.append(worker.ready_s)
    numbers["worker_cold_start_s"] = statistics.median(starts)
    with Worker() as worker:
        numbers["protocol_round_trip_s"] = median_s(lambda: worker.ask("ping"), 200)
        one_minute = {"x": np.zeros((1800, 174), np.float32)}
        numbers["protocol_60s_174_channels_s"] = median_s(
            lambda: worker.ask("ping", arrays=one_minute), 20
        )
        ask = request_params(AnimateRequest(str(short), device="cpu"))
        worker.ask("animate", ask)
        numbers["worker_animate_60s_s"] = median_s(lambda: worker.ask("animate", ask), 5)
        numbers["worker_peak_rss_60s_mb"] = worker.peak_rss_mb()
    with Worker() as worker:
        ask = request_params(AnimateRequest(str(long), device="cpu"))
        started_s = time.perf_counter()
        worker.ask("animate", ask)
        numbers["worker_animate_10min_s"] = time.perf_counter() - started_s
        numbers["worker_peak_rss_10min_mb"] = worker.peak_rss_mb()
    return numbers


class Worker:
    """A worker process, asked one thing after another."""

    def __init__(self) -> None:
        started_s = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "rhetor.engine", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._send(Hello(PROTOCOL_VERSION, "rhetor bench"))
        while not isinstance(self._receive(), Hello):
            pass
        self.ready_s = time.perf_counter() - started_s
        self._last_id = 0

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stdin.close()
        self._process.wait()
        self._stdout.close()

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        arrays: dict[str, np.ndarray[Any, Any]] | None = None,
    ) -> Reply:
        """The reply; raises the worker's error."""
        self._last_id += 1
        self._send(Request(self._last_id, method, params or {}, arrays or {}))
        while True:
            message = self._receive()
            if isinstance(message, Failure):
                raise message.to_error()
            if isinstance(message, Reply):
                return message

    def peak_rss_mb(self) -> float:
        """Largest resident size so far; NaN where the system does not tell (not Linux)."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return float("nan")
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024

    def _send(self, message: Message) -> None:
        write_frame(self._stdin, to_frame(message))

    def _receive(self) -> Message | None:
        frame: Frame | None = read_frame(self._stdout)  # type: ignore[arg-type]
        if frame is None:
            raise EOFError("the worker ended")
        return from_frame(frame)


def median_s(run: Callable[[], object], repeats: int) -> float:
    """Median seconds of run(), after one run that does not count."""
    run()
    times = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        run()
        times.append(time.perf_counter() - started_s)
    return statistics.median(times)


def write_looped(recording: Path, path: Path, seconds: float) -> Path:
    """Write a wav file of the given length that repeats a recording; returns its path."""
    from .audio.decode import SAMPLE_RATE_HZ, decode_audio

    samples = decode_audio(recording).samples
    looped = np.resize(samples, round(seconds * SAMPLE_RATE_HZ))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", "not compressed"))
        file.writeframes((np.clip(looped, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def table(numbers: Numbers) -> str:
    """The numbers for people."""
    return "\n".join(f"{name:36} {value:12.4g}" for name, value in numbers.items())


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 on success."""
    parser = argparse.ArgumentParser(prog="python -m rhetor.engine.bench")
    parser.add_argument("--audio", type=Path, default=DEMO_RECORDING)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write")
    options = parser.parse_args(argv)
    limit_threads()  # as the worker does
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 1.0:
        print(f"The machine is busy (load {load:.1f}): the times will be too long.")
    numbers = measure(options.audio, options.repeats)
    print(table(numbers))
    if options.json is not None:
        options.json.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

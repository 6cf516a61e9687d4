# SPDX-License-Identifier: GPL-3.0-or-later
"""From pixels to motion: a film of the default head, painted here, performing known motion."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rhetor.engine.audio.decode import decode_audio
from rhetor.engine.dataset.build import build_dataset
from rhetor.engine.dataset.build_report import read_records
from rhetor.engine.dataset.build_settings import BuildSettings
from rhetor.engine.dataset.person_clip import load_person_clip
from rhetor.engine.head.channels import EXPRESSION_NAMES
from rhetor.engine.head.model import load_head
from rhetor.engine.space import euler_to_matrix

pytest.importorskip("mediapipe", reason="tracking films needs MediaPipe")
Image = pytest.importorskip("PIL.Image", reason="painting needs Pillow")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

SPEECH = Path(__file__).parents[2] / "assets" / "demo" / "speech.flac"
SECONDS, FPS, SIZE = 4.0, 25.0, 256
PLACE = np.array([0.0, 480.0, -40.0])
PARTS = ("face", "eye.L", "eye.R", "shirt")
IRIS_RAD, PUPIL_RAD = 0.48, 0.2
LIGHT = np.array([0.35, -0.8, 0.5]) / np.linalg.norm([0.35, -0.8, 0.5])


def channel(name):
    return EXPRESSION_NAMES.index(name)


def known_motion():
    """Pose (T, 6) and expression (T, 52): a head that turns, and a jaw that follows the voice."""
    frames = round(SECONDS * FPS)
    t = np.arange(frames) / FPS
    pose = np.zeros((frames, 6))
    pose[:, 0] = np.radians(7) * np.sin(2 * np.pi * 0.45 * t)
    pose[:, 1] = np.radians(14) * np.sin(2 * np.pi * 0.31 * t + 0.5)
    pose[:, 2] = np.radians(6) * np.sin(2 * np.pi * 0.38 * t + 1.1)
    pose[:, 3] = 6 * np.sin(2 * np.pi * 0.31 * t)
    samples = decode_audio(SPEECH).samples[: round(SECONDS * 16000)]
    level = np.sqrt((samples.reshape(frames, -1) ** 2).mean(axis=1))
    level = np.convolve(level, [0.25, 0.5, 0.25], mode="same")
    expression = np.zeros((frames, 52))
    expression[:, channel("jawOpen")] = 0.5 * np.clip(level / np.percentile(level, 95), 0, 1)
    expression[:, channel("mouthPucker")] = 0.3 * np.clip(np.sin(2 * np.pi * 0.7 * t), 0, 1)
    blink = np.exp(-(((t % 2.0) - 1.0) ** 2) / 0.006)
    expression[:, [channel("eyeBlinkLeft"), channel("eyeBlinkRight")]] = blink[:, None]
    return pose, expression, samples


class Painter:
    """Polygons from far to near, one colour each, lit by one lamp."""

    def __init__(self, head):
        self.head = head
        self.polygons, self.colours, start = [], [], 0
        for name in PARTS:
            part = head.parts[name]
            colour = head.colours(name)[:, :3].copy()
            if part.kind == "eye":
                angle = part.attributes["ang"]
                colour[angle < IRIS_RAD] = (0.06, 0.1, 0.12)
                colour[angle < PUPIL_RAD] = 0.0
            self.polygons += [np.array(face) + start for face in part.faces()]
            self.colours.append(colour)
            start += part.vertex_count
        colours = np.concatenate(self.colours)
        self.colour = np.array([colours[p].mean(axis=0) for p in self.polygons])
        self.corners = np.array([(p[0], p[1], p[2], p[-1]) for p in self.polygons])

    def paint(self, pose, expression):
        shape = np.concatenate([self.head.vertices(n, None, expression) for n in PARTS])
        placed = shape @ euler_to_matrix(pose[:3]).T + pose[3:] + PLACE
        pixels = SIZE / 2 + 1.5 * SIZE * placed[:, [0, 2]] / placed[:, 1:2] * [1, -1]
        a, b, c, d = (placed[self.corners[:, k]] for k in range(4))
        normal = np.cross(c - a, d - b)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        lit = 0.35 + 0.8 * np.clip(normal @ LIGHT, 0, None)
        rgb = (255 * np.clip(lit[:, None] * self.colour, 0, 1) ** (1 / 2.2)).astype(int)
        depth = (a + b + c + d)[:, 1]
        shown = np.flatnonzero((normal * a).sum(axis=1) < 0)  # the rest turn their backs
        image = Image.new("RGB", (SIZE, SIZE), (96, 110, 120))
        draw = ImageDraw.Draw(image)
        for index in shown[np.argsort(-depth[shown])].tolist():
            flat = pixels[self.polygons[index]].ravel().tolist()
            draw.polygon(flat, fill=tuple(rgb[index].tolist()))
        return np.asarray(image)


def write_film(path, images, samples):
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=Fraction(FPS))
        picture.width = picture.height = SIZE
        picture.pix_fmt, picture.bit_rate = "yuv420p", 4_000_000
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for image in images:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(picture.encode())
        pcm = np.round(samples * 32767).astype(np.int16)[None]
        block = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        block.sample_rate, block.pts = 16000, 0
        container.mux(sound.encode(block))
        container.mux(sound.encode())


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The clip built from the film, the true motion at its frames, and the record."""
    folder = tmp_path_factory.mktemp("film")
    pose, expression, samples = known_motion()
    painter = Painter(load_head())
    images = [painter.paint(*frame) for frame in zip(pose, expression, strict=True)]
    write_film(folder / "head.mkv", images, samples)
    settings = BuildSettings(split="train", speaker="head", pictures=False)
    build_dataset([folder / "head.mkv"], folder / "out", settings, lambda fraction, stage: None)
    clip = load_person_clip(folder / "out" / "train" / "head.npz")
    at = np.arange(clip.frame_count) / 30.0 * FPS

    def resampled(curves):
        return np.stack([np.interp(at, np.arange(len(curves)), c) for c in curves.T], axis=1)

    return clip, resampled(pose), resampled(expression), read_records(folder / "out")["head"]


def test_the_head_turns_as_it_did(found):
    clip, pose, _, _ = found
    for axis, name in enumerate(("pitch", "yaw", "roll")):
        error = np.degrees(clip.pose[:, axis] - pose[:, axis])
        r = np.corrcoef(clip.pose[:, axis], pose[:, axis])[0, 1]
        print(f"{name}: r {r:.3f}, error {np.std(error):.2f}° about {np.mean(error):+.2f}°")
        assert r > 0.9 and np.std(error) < 3.0


def test_the_mouth_opens_as_it_did(found):
    clip, _, expression, _ = found
    jaw = channel("jawOpen")
    true_gap = load_head().lip_gap_mm(expression)
    r_jaw = np.corrcoef(clip.expression[:, jaw], expression[:, jaw])[0, 1]
    r_gap = np.corrcoef(clip.lip_gap_mm, true_gap)[0, 1]
    error = np.std(clip.lip_gap_mm - true_gap)
    print(f"jaw: r {r_jaw:.3f}; lip gap: r {r_gap:.3f}, error {error:.2f} mm")
    assert r_jaw > 0.8 and r_gap > 0.9


def test_the_face_was_seen_and_its_sound_is_there(found):
    clip, pose, _, record = found
    assert clip.face_ok.mean() > 0.95 and clip.frame_count == len(pose) > 115
    assert clip.reprojection_px < 0.03 * record.clips[0].face_px
    assert np.abs(clip.samples).max() > 3000 and record.clips[0].notes == ()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Render settings that make a talking head in affordable time, for each engine."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...engine.protocol.errors import RigError
from .. import compat
from ..core.headless_options import RENDER_ENGINES

_CYCLES_SAMPLES = 6
_EEVEE_SAMPLES = 16
_AUDIO_RATE_HZ = 48000


def configure_render(  # noqa: PLR0917
    scene: bpy.types.Scene,
    engine: str,
    width: int,
    height: int,
    fps: float,
    output_path: Path,
    video: bool = True,
) -> None:
    """Set up a scene to render with "cycles", "workbench" or "eevee".

    video: an H.264 file with AAC sound at output_path, else PNG pictures that start with its name.
    Raises RigError where this machine cannot run the engine.
    """
    if engine not in RENDER_ENGINES:
        raise RigError(
            f"Unknown render engine {engine!r}.", f"Use one of {', '.join(RENDER_ENGINES)}."
        )
    if engine != "cycles" and not compat.has_offscreen_gpu():
        raise RigError(
            f"{engine.capitalize()} needs libEGL to render without a display.",
            "Install it (Debian: apt install libegl1 libgl1-mesa-dri), or render with Cycles.",
        )
    {"cycles": _use_cycles, "workbench": _use_workbench, "eevee": _use_eevee}[engine](scene)
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    set_frame_rate(scene, fps)
    render.use_motion_blur = False
    render.film_transparent = False
    render.filepath = str(output_path)
    render.use_file_extension = True
    if video:
        write_video(render)
    else:
        render.image_settings.file_format = "PNG"
        render.image_settings.color_mode = "RGB"


def set_frame_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Frames per second; fractional rates (29.97) become a whole rate over a base."""
    whole = max(1, round(fps))
    scene.render.fps, scene.render.fps_base = whole, whole / fps


def _use_cycles(scene: bpy.types.Scene) -> None:
    scene.render.engine = "CYCLES"
    _lighten(scene.render)
    scene.render.use_persistent_data = True
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = _CYCLES_SAMPLES
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.05
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 2
    cycles.transmission_bounces = cycles.volume_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 2.0
    # Few lights: trying all of them costs less than choosing.
    cycles.use_light_tree = False
    # The same noise in each frame does not crawl.
    cycles.use_animated_seed = False
    _use_denoiser(cycles)
    _use_view(scene, "AgX", "AgX - High Contrast")


def _use_denoiser(cycles: bpy.types.PropertyGroup) -> None:
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        # A build without OpenImageDenoise: noise is then a matter of samples.
        cycles.use_denoising = False
        cycles.samples = 8 * _CYCLES_SAMPLES
        return
    cycles.use_denoising = True
    cycles.denoising_prefilter = "FAST"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    if hasattr(cycles, "denoising_quality"):
        cycles.denoising_quality = "FAST"


def _use_workbench(scene: bpy.types.Scene) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    _lighten(scene.render, 0)
    scene.display.render_aa = "5"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "VERTEX"
    shading.show_cavity = shading.show_shadows = shading.show_specular_highlight = False
    # The studio light is made for grey clay; skin needs more of it.
    _use_view(scene, "Standard", "None", 1.1)


def _use_eevee(scene: bpy.types.Scene) -> None:
    scene.render.engine = compat.eevee_engine()
    _lighten(scene.render)
    scene.eevee.taa_render_samples = _EEVEE_SAMPLES
    _use_view(scene, "AgX", "AgX - High Contrast")


def _lighten(render: bpy.types.RenderSettings, subdivision: int = 1) -> None:
    """Limit subdivision: at the size of a video one level looks like two, and costs less."""
    render.use_simplify = True
    render.simplify_subdivision_render = subdivision


def _use_view(scene: bpy.types.Scene, transform: str, look: str, exposure: float = 0.0) -> None:
    scene.view_settings.view_transform = transform
    scene.view_settings.look = look
    scene.view_settings.exposure = exposure


def write_video(render: bpy.types.RenderSettings) -> None:
    """Let renders go to an H.264 file with AAC sound."""
    compat.use_video_output(render.image_settings)
    ffmpeg = render.ffmpeg
    ffmpeg.format, ffmpeg.codec = "MPEG4", "H264"
    ffmpeg.constant_rate_factor, ffmpeg.ffmpeg_preset = "HIGH", "GOOD"
    ffmpeg.gopsize = 30
    ffmpeg.audio_codec, ffmpeg.audio_bitrate = "AAC", 160
    ffmpeg.audio_mixrate, ffmpeg.audio_channels = _AUDIO_RATE_HZ, "STEREO"

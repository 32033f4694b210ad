"""Skies of pictures: what they give to a surface, where their sun is, damaged files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport import sky_map
from understudy.runtime.viewport.lighting import Lighting
from understudy.runtime.viewport.renderer import Options

from .conftest import SIZE, frame_of, standing


def rgbe(picture: np.ndarray, runs: bool) -> bytes:
    """A Radiance file of (H, W, 3)."""
    mantissa, exponent = np.frexp(picture.max(-1))
    most = picture.max(-1)
    scale = np.where(most > 0.0, mantissa * 256.0 / np.maximum(most, 1e-30), 0.0)
    texels = np.concatenate([picture * scale[..., None], (exponent + 128)[..., None]], -1)
    texels = texels.astype(np.uint8)
    height, width = picture.shape[:2]
    out = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode()
    if not runs:
        return out + texels.tobytes()
    for row in texels:
        out += bytes((2, 2, width >> 8, width & 255))
        for channel in row.T:
            at = 0
            while at < width:
                same = 1
                while at + same < width and same < 127 and channel[at + same] == channel[at]:
                    same += 1
                if same > 2:
                    out += bytes((128 + same, channel[at]))
                    at += same
                else:
                    count = min(2, width - at)
                    out += bytes((count, *channel[at : at + count]))
                    at += count
    return out


def meadow(height: int = 64) -> np.ndarray:
    """Blue above, dark green below."""
    picture = np.zeros((height, 2 * height, 3))
    picture[: height // 2], picture[height // 2 :] = (0.3, 0.5, 0.9), (0.05, 0.08, 0.02)
    return picture


@pytest.mark.parametrize("runs", [False, True])
def test_a_radiance_file_is_read_to_one_part_in_a_hundred(tmp_path: Path, runs: bool) -> None:
    random = np.random.default_rng(1)
    picture = np.exp(random.normal(0.0, 2.0, (16, 32, 3)))
    picture[4:8] = picture[4, 0]
    (tmp_path / "sky.hdr").write_bytes(rgbe(picture, runs))
    read = sky_map._hdr(tmp_path / "sky.hdr")
    assert np.abs(read - picture).max() < 0.01 * picture.max(-1).max()
    assert (np.abs(read - picture) <= picture.max(-1)[..., None] / 127.0).all()


@given(cut=st.integers(0, 2000), runs=st.booleans())
def test_a_damaged_file_is_a_sentence(tmp_path_factory, cut: int, runs: bool) -> None:
    whole = rgbe(meadow(8), runs)
    path = tmp_path_factory.mktemp("sky") / "sky.hdr"
    path.write_bytes(whole[: min(cut, len(whole) - 1)])
    with pytest.raises(UnderstudyError, match=r"sky\.hdr"):
        sky_map.read(str(path))


def test_what_falls_on_a_surface_is_what_the_sky_sends() -> None:
    """Against the sum over the picture itself, for a sky that changes slowly, as harmonics do."""
    way, share = sky_map.ways(64, 128)
    picture = (1.2 + way[..., 1] + 0.4 * way[..., 0])[..., None] * np.array([0.5, 0.7, 1.0])
    sky = sky_map.made("smooth", picture)
    for normal in [*np.eye(3).tolist(), [-0.6, 0.8, 0.0]]:
        given_ = sky_map.basis(np.array(normal)) @ sky.harmonics
        facing = np.maximum(way @ np.array(normal), 0.0) * share
        truth = (sky.pixels * facing[..., None]).sum((0, 1)) / np.pi
        assert np.allclose(given_, truth, rtol=0.02)


def test_its_sun_is_found_and_taken_out_of_it() -> None:
    way, _ = sky_map.ways(128, 256, 30.0)
    sun = np.array([0.6, 0.64, 0.48])
    picture = meadow(128)
    disc = way @ sun > np.cos(np.radians(2.0))
    picture[disc] += (5000.0, 4500.0, 3500.0)
    sky = sky_map.made("noon", picture, 30.0)
    assert np.degrees(np.arccos(sky.sun @ sun)) < 0.7
    assert sky.pixels.max() < 3.0 * np.median(sky.pixels[:30])
    red, _, blue = sky.sun_colour
    assert blue / red == pytest.approx(0.7, abs=0.02)
    # Both together light level ground as our own skies do.
    level = np.mean(sky.sun_colour) * sky.sun[1]
    level += np.pi * (sky_map.basis(np.array([0.0, 1.0, 0.0])) @ sky.harmonics).mean()
    assert level == pytest.approx(sky_map.GROUND_LIGHT, rel=0.05)
    assert sky_map.made("even", meadow()).sun_colour == (0.0, 0.0, 0.0)


def test_it_is_seen_where_it_is_and_turns(tmp_path: Path, renderer, front) -> None:
    """A red quarter to the right of the middle, which is -Z."""
    picture = meadow()
    picture[:32, 64:96] = (2.0, 0.1, 0.1)
    (tmp_path / "sky.hdr").write_bytes(rgbe(picture, True))
    camera = replace(front, target=front.position + np.array([0.0, 0.35, -1.0]))

    def seen(turn: str) -> np.ndarray:
        options, lighting = Options(effect=False), Lighting(sky=f"{tmp_path / 'sky.hdr'}{turn}")
        lighting.apply(renderer, options)
        renderer.draw(frame_of(), camera, options)
        return renderer.read().astype(float)

    plain, turned = seen(""), seen("?turn=-90")
    left, right = slice(0, SIZE[0] // 2 - 9), slice(SIZE[0] // 2 + 9, SIZE[0])
    for shown, red, blue in ((plain, right, left), (turned, left, right)):
        sky = shown[5:60]
        assert (sky[:, red, 0] > sky[:, red, 2] + 40.0).all()
        assert (sky[:, blue, 2] > sky[:, blue, 0] + 20.0).all()


def test_it_lights_from_the_side_that_it_is_bright_on(tmp_path: Path, renderer, front) -> None:
    picture = meadow()
    picture[:, 96:] = (3.0, 0.3, 0.3)  # to the right, +X
    (tmp_path / "sky.hdr").write_bytes(rgbe(picture, False))
    options = Options(effect=False)
    Lighting(sky=str(tmp_path / "sky.hdr")).apply(renderer, options)
    renderer.draw(frame_of(standing()), front, options)
    shown = renderer.read().astype(float)
    x, y = np.round(front.project(np.array([[0.0, 1.25, 0.1]]))[0][0]).astype(int)
    redder = shown[y, x - 8 : x + 9, 0] - shown[y, x - 8 : x + 9, 2]
    assert redder[-4:].mean() > redder[:4].mean() + 15.0


@pytest.mark.parametrize(
    ("said", "says"),
    [("sky.png", r"\.hdr or \.exr"), ("none.hdr", "no sky"), ("sky.hdr?turn=far", "turn=DEGREES")],
)
def test_what_is_no_sky_is_a_sentence(tmp_path: Path, monkeypatch, said: str, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sky.hdr").write_bytes(rgbe(meadow(8), False))
    with pytest.raises(UnderstudyError, match=says):
        Lighting(sky=said).check()

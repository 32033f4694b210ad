"""Three figures: what the source did, what arrived of it, and what went out.

    python demos/takeover.py YOUR.bvh --drop 2.0-2.5 --drop 4.0-4.5:LeftArm,LeftForeArm,LeftHand

Writes out/takeover.mp4 and out/takeover-sheet.png. The poses come from the live path, tick by tick
and without a look ahead, at 60 Hz. Grey: did not arrive, shown as it was last seen. Amber: acted by
the network, or blending back; every other joint is the source's to the bit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.palette import STATE_COLOUR
from understudy.runtime.core.pose import Frame, Pose, State, Subject, trust
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.sources.files.bvh import BvhSource
from understudy.runtime.sources.files.dropout import Drop, Link, parse_drop
from understudy.runtime.stage.live import Holding
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import without_tpose
from understudy.runtime.viewport import film
from understudy.runtime.viewport.camera import Camera, Rig
from understudy.runtime.viewport.capture import Movie, save_png
from understudy.runtime.viewport.focus import focus_of
from understudy.runtime.viewport.fonts import BOLD, REGULAR
from understudy.runtime.viewport.renderer import Options, Renderer

RATE_HZ, FPS = 60, 30
PANEL = (320, 480)  # pixels of one figure's picture; the film has three side by side
ROWS = ("source", "arrived", "went out")
COLUMNS, LEAD_S, TRAIL_S = 12, 0.15, 0.45  # of the sheet; seconds shown around each window
PAPER, INK, DIM = (24, 26, 30), (240, 242, 246), (150, 156, 166)
GREY, AMBER = (0.035, 0.037, 0.042, 0.9), (0.95, 0.40, 0.03, 0.62)
SIDE_RAD = float(np.radians(35))  # the camera's way round from the body's front, at the start
LIVE, LOST = STATE_COLOUR[State.LIVE], STATE_COLOUR[State.LOST]


@dataclass
class Moment:
    """One tick of the three figures; missing and acted (J,) bool; words under the third."""

    time_s: float
    poses: tuple[Pose, Pose, Pose]
    missing: np.ndarray
    acted: np.ndarray
    state: State
    words: str


def play(take: Path, drops: list[Drop], jitter_s: float, until_s: float) -> Iterator[Moment]:
    """The live path on a file."""
    truth, link = (
        BvhSource(take, loop=False),
        Link(BvhSource(take, loop=False), drops, jitter_s),
    )
    skeleton = truth.skeleton
    with Takeover([skeleton]) as takeover:
        holding = Holding([skeleton])
        for number in range(int(until_s * RATE_HZ)):
            now_s = number / RATE_HZ
            source = truth.sample(now_s)
            if source is None:
                return
            packets = link.poll(now_s)
            for stand_in in (takeover, holding):
                for p in packets:
                    stand_in.arrive(0, p.capture_s, p.positions, p.rotations, p.seen)
                stand_in.step(now_s)
            out = Pose(takeover.positions[0].copy(), takeover.rotations[0].copy())
            here = [p for p in packets if p.capture_s >= now_s - 1e-9]
            missing = np.full(len(skeleton), not here)
            if here and here[0].seen is not None:
                missing = np.logical_not(here[0].seen)
            acted = (out.rotations != source.rotations).any(1)
            acted[0] |= (out.positions[0] != source.positions[0]).any()
            held = Pose(holding.positions[0].copy(), holding.rotations[0].copy())
            words = f"{takeover.states[0].name}  {trust(takeover.uncertainty_m[0])}".rstrip()
            poses = (source, held, out)
            yield Moment(now_s, poses, missing, acted, takeover.states[0], words)


class Stage:
    """Draws moments: three pictures of one size, by one camera that follows the source."""

    def __init__(
        self, skeleton: Skeleton, size: tuple[int, int], scale: float, lift_m: float
    ) -> None:
        self.skeleton, self.size, self.lift_m = skeleton, size, lift_m
        self.renderer = Renderer(*size)
        self.renderer.set_quality(scale, 1024)
        self.camera = Camera(width=size[0], height=size[1])
        self.rig = Rig("orbit", turns=False, pitch_rad=0.12, focal_mm=45.0)
        self.framed = False

    def draw(self, moment: Moment, dt_s: float) -> list[np.ndarray]:
        """(H, W, 3) uint8 of source, arrived, went out."""
        frames = [self.frame(name, pose) for name, pose in zip(ROWS, moment.poses)]
        self.follow(frames[0], dt_s)
        veils = {}
        for name, mask, colour in (
            (ROWS[1], moment.missing, GREY),
            (ROWS[2], moment.acted, AMBER),
        ):
            veils[name] = np.where(mask[:, None], colour, 0.0)
        out = []
        for frame in frames:
            self.renderer.draw(frame, self.camera, Options(veils=veils))
            out.append(self.renderer.read().copy())
        return out

    def frame(self, name: str, pose: Pose) -> Frame:
        """A figure on the ground: some rigs count heights from the hips' rest."""
        pose = pose.copy()
        pose.positions[0, 1] += self.lift_m
        return Frame(0, 0, 0, 60, 1, "", [Subject(name, self.skeleton, pose)])

    def follow(self, frame: Frame, dt_s: float) -> None:
        """Takes the camera along; it begins in front of the body, a little to its left."""
        focus = focus_of(frame)
        if focus is None:
            return
        if not self.framed:
            self.rig.yaw_rad = focus.heading_rad + SIDE_RAD
            self.rig.distance_m = 0.95 * focus.radius_m * self.rig.focal_mm / 12.0
            self.framed = True
        self.rig.follow(self.camera, focus, dt_s)


def ink(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    return tuple(round(255 * c) for c in colour)  # type: ignore[return-value]


def titled(pictures: list[np.ndarray], moment: Moment, drops: list[Drop], end_s: float):
    """A picture of the film: three panels, words under each, and a bar of the time."""
    (width, height), foot = PANEL, 76
    page = Image.new("RGB", (3 * width, height + foot), PAPER)
    pen = ImageDraw.Draw(page)
    large, small = ImageFont.truetype(str(BOLD), 20), ImageFont.truetype(str(REGULAR), 16)
    arrived = "all of it"
    if moment.missing.any():
        arrived = "nothing" if moment.missing.all() else f"not {int(moment.missing.sum())} joints"
    amber = ink(STATE_COLOUR[State.TAKEOVER])
    below = (
        ("as it was", DIM),
        (arrived, DIM if arrived == "all of it" else ink(LOST)),
        (moment.words, ink(LIVE) if moment.state is State.LIVE else amber),
    )
    for i, (picture, (words, colour)) in enumerate(zip(pictures, below)):
        page.paste(Image.fromarray(picture), (i * width, 0))
        pen.text((i * width + 14, height + 10), ROWS[i], font=large, fill=INK)
        at = pen.textlength(ROWS[i] + "  ", font=large)
        pen.text((i * width + 14 + at, height + 13), words, font=small, fill=colour)
    left, right, top = 14, 3 * width - 14, height + 50
    scale = (right - left) / end_s
    pen.rounded_rectangle((left, top, right, top + 8), 4, fill=(60, 64, 70))
    for drop in drops:
        box = (left + drop.start_s * scale, top, left + min(drop.stop_s, end_s) * scale, top + 8)
        pen.rectangle(box, fill=amber if not drop.joints else (150, 110, 40))
    x = left + moment.time_s * scale
    pen.rounded_rectangle((x - 2, top - 5, x + 2, top + 13), 2, fill=INK)
    return np.asarray(page)


def moments_of(drops: list[Drop], end_s: float) -> list[tuple[int, float]]:
    """(window, time) of the sheet's columns: an equal share of them around each window."""
    out: list[tuple[int, float]] = []
    for number, drop in enumerate(drops):
        share = COLUMNS // len(drops) + (number < COLUMNS % len(drops))
        low, high = max(0.0, drop.start_s - LEAD_S), min(drop.stop_s + TRAIL_S, end_s - 0.1)
        out += [(number, round(t * FPS) / FPS) for t in np.linspace(low, high, share)]
    return out


def sheet(columns: list[tuple[int, Moment, list[np.ndarray]]], drops: list[Drop]):
    """Three rows of pictures, a column a moment, with the times above and the state below."""
    wide, high = 148, 222
    gap, left, top, foot = 4, 96, 62, 34
    places = [left + i * (wide + gap) + 22 * column[0] for i, column in enumerate(columns)]
    size = (places[-1] + wide + 12, top + 3 * (high + gap) + foot)
    page = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(page)
    bold, plain = ImageFont.truetype(str(BOLD), 17), ImageFont.truetype(str(REGULAR), 14)
    amber = ink(STATE_COLOUR[State.TAKEOVER])
    for row, name in enumerate(ROWS):
        pen.text((12, top + row * (high + gap) + high / 2 - 10), name, font=bold, fill=INK)
    for x, (_, moment, pictures) in zip(places, columns):
        pen.text((x + 2, 36), f"{moment.time_s:.2f} s", font=plain, fill=DIM)
        for drop in drops:
            if drop.covers(moment.time_s):
                pen.rectangle((x, 56, x + wide + gap - 1, 59), fill=ink(LOST))
        for row, picture in enumerate(pictures):
            small = Image.fromarray(picture).resize((wide, high), Image.Resampling.LANCZOS)
            page.paste(small, (x, top + row * (high + gap)))
        colour = ink(LIVE) if moment.state is State.LIVE else amber
        pen.text((x + 2, top + 3 * (high + gap) + 4), moment.words, font=plain, fill=colour)
    for number, drop in enumerate(drops):
        inside = [
            x for x, (n, m, _) in zip(places, columns) if n == number and drop.covers(m.time_s)
        ]
        if inside:
            what = ", ".join(drop.joints) if drop.joints else "the whole body"
            text = f"{what}: no signal for {drop.stop_s - drop.start_s:g} s"
            pen.text((inside[0] + 2, 12), text, font=bold, fill=ink(LOST))
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("take", type=Path, help="a BVH file of a person")
    parser.add_argument("--drop", action="append", type=str, required=True, metavar="WINDOW")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="S")
    parser.add_argument("--seconds", type=float, default=1e6, metavar="N", help="end there")
    parser.add_argument("--scale", type=float, default=1.5, help="pixels drawn a pixel (1.5)")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--no-movie", action="store_true", help="the sheet alone")
    args = parser.parse_args()
    try:
        drops = [parse_drop(text) for text in args.drop]
        show(args.take, drops, args.out, args.seconds, args.jitter, args.scale, not args.no_movie)
    except UnderstudyError as error:
        print(f"takeover: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    return 0


def show(
    take: Path,
    drops: list[Drop],
    out: Path,
    until_s: float = 1e6,
    jitter_s: float = 0.0,
    scale: float = 1.5,
    film_too: bool = True,
    name: str = "takeover",
) -> None:
    """Plays, draws and writes NAME.mp4 and NAME-sheet.png."""
    source = BvhSource(take, loop=False)
    end_s = min(until_s, source.duration_s)
    wanted = moments_of(drops, end_s)
    moments = list(play(take, drops, jitter_s, end_s))[:: RATE_HZ // FPS]
    out.mkdir(parents=True, exist_ok=True)
    _, lift_m = film.level(without_tpose(bvh.read(take)))
    stage = Stage(source.skeleton, PANEL, scale, lift_m)
    movie = None
    if film_too:
        movie = Movie(out / f"{name}.mp4", (3 * PANEL[0], PANEL[1] + 76), FPS)
    columns: dict[float, tuple[Moment, list[np.ndarray]]] = {}
    try:
        for moment in moments:
            kept = [t for _, t in wanted if abs(t - moment.time_s) < 0.5 / FPS]
            if movie is None and not kept:
                stage.follow(stage.frame("", moment.poses[0]), 1 / FPS)
                continue
            pictures = stage.draw(moment, 1 / FPS)
            if movie is not None:
                movie.add(titled(pictures, moment, drops, end_s))
            for t in kept:
                columns[t] = moment, pictures
    except BaseException:
        if movie is not None:
            movie.abort()
        raise
    finally:
        stage.renderer.close()
    if movie is not None:
        movie.close()
        print(f"wrote {movie.path}: {movie.written} pictures")
    chosen = [(number, *columns[t]) for number, t in wanted if t in columns]
    if chosen:
        save_png(np.asarray(sheet(chosen, drops)), out / f"{name}-sheet.png", 9)
        print(f"wrote {out / name}-sheet.png")


if __name__ == "__main__":
    sys.exit(main())

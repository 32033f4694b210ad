"""A previs film by code: made people, three sets, ten shots, each with its lens and its move.

    python demos/previs.py                     # two minutes: out/previs.mp4 and a contact sheet
    python demos/previs.py --seconds 20 --size 640x360

Everything in it is made here: people by `understudy character new`, sets by code, motion by the
network on pad scripts. Copy a `Shot`, change it, and it is yours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.progress import told
from understudy.runtime.stage import figures
from understudy.runtime.takes import bvh
from understudy.runtime.takes.carrying import carried
from understudy.runtime.takes.clip import Clip
from understudy.runtime.viewport import film, look
from understudy.runtime.viewport.camera import Camera, Lens, Rig, fov_of_lens
from understudy.runtime.viewport.capture import Movie, Sheet, even
from understudy.runtime.viewport.focus import focus_point
from understudy.runtime.viewport.handheld import hold
from understudy.runtime.viewport.hud import Board
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.sets import scenery

PEOPLE = Path(__file__).parent / "people"
FPS = 24.0
MM = 14.0  # height of a Super 35 picture in 16:9

Point = tuple[float, float, float]
# A pad's events: seconds, stick, button pressed for a moment.
Beat = tuple[float, tuple[float, float], str]


@dataclass(frozen=True)
class Role:
    """Who is in a shot: person, where and which way (degrees about +Y), what the pad does."""

    person: str
    x: float
    z: float
    heading_deg: float
    beats: tuple[Beat, ...]


@dataclass(frozen=True)
class Shot:
    """One shot. The camera goes from `begin` to `end` and looks from `aim` to `aim_end`.

    words  of the look: clouds, fog_m, stops
    focus  whom it is focused on, each from this share of the shot on
    """

    name: str
    set: str
    sun: str
    focal_mm: float
    roles: tuple[Role, ...]
    words: tuple[tuple[str, float], ...]
    begin: Point
    end: Point
    aim: Point
    aim_end: Point
    stop: float = 5.6
    focus: tuple[tuple[float, str], ...] = ()


STILL = (0.0, 0.0)


def acts(*said: tuple[float, str]) -> tuple[Beat, ...]:
    """Buttons pressed while standing, each at its second."""
    return tuple((at_s, STILL, button) for at_s, button in said)


STREET, NIGHT, LEAVING = "street", "street?seed=4", "street?seed=2"
CLOUDY, DARK = (("clouds", 0.5),), (("fog_m", 90.0), ("stops", 0.8))
COME = (
    Role("ada", -7.4, 1.5, 90.0, ((0.2, (0.0, 0.55), ""), (9.5, STILL, ""), (10.2, STILL, "wave"))),
    Role("kofi", -7.0, 0.6, 90.0, ((0.4, (0.0, 0.55), ""), (9.8, STILL, ""))),
)
TALK = (
    Role("kofi", 0.55, 0.0, -60.0, acts((1.2, "stop"), (5.0, "refuse"), (9.0, "point"))),
    Role("ada", -0.6, -0.7, 60.0, acts((2.6, "laugh"), (6.5, "show"), (10.0, "wave"))),
)
HOME = (
    Role("ada", -0.4, 0.25, 15.0, acts((0.8, "drink"), (5.0, "point"), (9.0, "cheer"))),
    Role("ben", 1.0, -0.5, -35.0, acts((2.5, "refuse"), (6.5, "laugh"), (9.5, "wave"))),
)
FIGHT = (
    Role("kofi", -0.7, 0.0, 90.0, acts((1.0, "punch"), (4.0, "slash"), (8.0, "kick"))),
    Role("ben", 0.9, 0.0, -90.0, acts((1.2, "stop"), (4.2, "stop"), (8.4, "swat"))),
)
LEAVE = (
    Role("ada", -3.9, 0.9, 90.0, ((0.3, (0.0, 0.5), ""),)),
    Role("ben", -4.9, 0.2, 90.0, ((0.2, (0.0, 0.5), ""),)),
    Role("kofi", -6.0, 1.7, 90.0, ((0.1, (0.0, 0.55), ""),)),
)
ON_ADA, ON_KOFI = ((0.0, "ada"),), ((0.0, "kofi"),)
TO_ADA, TO_BEN = ((0.0, "kofi"), (0.4, "ada")), ((0.0, "ada"), (0.6, "ben"))
BOTH = ((0.0, "kofi"), (0.45, "ada"), (0.75, "kofi"))
FROM_BEN = ((0.0, "ben"), (0.45, "ada"))
SHOTS = (
    Shot("1A  street, evening: crane", STREET, "270,7", 27.0, COME, CLOUDY,
         (6.5, 4.4, 7.4), (2.6, 1.7, 5.4), (-4.4, 1.0, 0.6), (0.2, 1.15, 0.4), 4.0, ON_ADA),
    Shot("1B  the same, low and long", STREET, "270,7", 65.0, COME, CLOUDY,
         (9.5, 0.7, 2.6), (9.0, 1.1, 2.4), (-6.0, 1.1, 1.0), (0.4, 1.3, 1.1), 2.0, ON_ADA),
    Shot("2A  street, night: push in", NIGHT, "night", 50.0, TALK, DARK,
         (2.9, 1.62, 3.6), (1.5, 1.56, 2.2), (-0.1, 1.42, -0.6), (-0.35, 1.5, -0.6), 1.4, TO_ADA),
    Shot("2B  over her shoulder", NIGHT, "night", 45.0, TALK, DARK,
         (-1.95, 1.72, -1.05), (-1.75, 1.70, -0.95), (0.55, 1.55, 0.0), (0.55, 1.55, 0.0),
         1.4, BOTH),
    Shot("3A  flat, late sun: dolly", "flat", "300,24", 32.0, HOME, (),
         (2.6, 1.5, 3.9), (0.2, 1.45, 3.7), (0.1, 1.05, -0.4), (0.2, 1.1, -0.3), 2.8, TO_BEN),
    Shot("3B  flat, at night: slow push", "flat", "night", 50.0, HOME, (("stops", 2.4),),
         (-1.9, 1.4, 3.9), (-1.5, 1.45, 3.0), (0.2, 1.3, -0.2), (0.3, 1.4, -0.2), 1.4, FROM_BEN),
    Shot("4A  stage: half around", "stage", "key", 36.0, FIGHT, (),
         (-3.2, 1.5, 4.0), (3.4, 1.7, 3.6), (0.1, 1.1, -0.2), (0.1, 1.15, -0.2), 2.8, ON_KOFI),
    Shot("4B  stage: from above", "stage", "key", 30.0, FIGHT, (),
         (-1.0, 4.0, 3.4), (0.6, 3.2, 3.8), (0.1, 0.9, -0.2), (0.1, 0.9, -0.2)),
    Shot("5A  street, noon: alongside", LEAVING, "200,52", 32.0, LEAVE, (("clouds", 0.6),),
         (-3.6, 1.6, 7.6), (6.6, 1.6, 7.6), (-4.4, 1.1, 0.6), (6.0, 1.1, 0.6)),
    Shot("5B  street, noon: crane up", LEAVING, "200,52", 24.0, LEAVE, (("clouds", 0.6),),
         (-8.6, 1.5, 4.4), (-7.0, 5.2, 6.4), (-3.0, 1.3, 0.6), (4.0, 1.0, 0.4)),
)  # fmt: skip


def pad(role: Role) -> str:
    """The pad script of a role, as TOML."""
    lines = ["rate_hz = 60"]
    for at_s, stick, button in ((0.0, STILL, ""), *role.beats):
        press = f"\nbuttons = [{button!r}]".replace("'", '"') if button else ""
        lines.append(
            f"[[event]]\nat_s = {at_s:g}\nleft_stick = [{stick[0]:g}, {stick[1]:g}]{press}"
        )
        if button:
            lines.append(
                f"[[event]]\nat_s = {at_s + 0.2:g}\nleft_stick = [{stick[0]:g}, {stick[1]:g}]"
            )
    return "\n".join(lines) + "\n"


def performed(role: Role, seconds: float, folder: Path) -> Clip:
    """The role's motion on its person, where it stands."""
    script, take = folder / "pad.toml", folder / "take.bvh"
    script.write_text(pad(role))
    words = ["perform", "--pad", str(script), "--seconds", f"{seconds:g}", "--out", str(take)]
    take.unlink(missing_ok=True)
    run = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", *words],
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise UnderstudyError(f"{role.person} cannot be performed: {run.stderr.strip()}")
    clip = carried(bvh.read(take), figures.load(PEOPLE / f"{role.person}.glb"))
    turn = rotation.from_yaw(np.radians(role.heading_deg))
    positions, rotations = clip.positions.copy(), clip.rotations.copy()
    positions[:, 0] = rotation.rotate(turn, positions[:, 0]) + np.array([role.x, 0.0, role.z])
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    return replace(clip, positions=positions, rotations=rotations, raw=None)


def eased(share: float) -> float:
    """A move that begins and ends at rest."""
    return share * share * (3.0 - 2.0 * share)


def camera(shot: Shot, time_s: float, seconds: float, size: tuple[int, int]) -> Camera:
    share = eased(time_s / seconds)
    at = (1.0 - share) * np.array(shot.begin) + share * np.array(shot.end)
    to = (1.0 - share) * np.array(shot.aim) + share * np.array(shot.aim_end)
    eye = Camera(at, to, fov_of_lens(shot.focal_mm, MM), *size)
    eye.sensor_mm, eye.stop = MM, shot.stop
    return eye


def play(
    shot: Shot, seconds: float, renderer: Renderer, folder: Path,
    take: Callable[[np.ndarray], None],
) -> Iterator[int]:  # fmt: skip
    """Draws a shot; `take` gets each picture."""
    made = scenery.load(shot.set)
    renderer.set_scenery(made)
    light = look.made(shot.sun, tone="aces", **dict(shot.words))
    options = Options(look=light, hud=True, lens=True, shutter_deg=180.0)
    rig = Rig()
    clips = [performed(role, seconds + 0.1, folder) for role in shot.roles]
    for number in range(round(seconds * FPS)):
        time_s = number / FPS
        people = [
            Subject(role.person, clip.skeleton, film.sample(clip, time_s))
            for role, clip in zip(shot.roles, clips, strict=True)
        ]
        frame = Frame(number, 0, 0, round(FPS * 1000), 1000, "", people)
        second, rest = divmod(number, round(FPS))
        words = f"{shot.name}   {shot.focal_mm:g} mm   {second // 60:02}:{second % 60:02}:{rest:02}"
        eye = camera(shot, time_s, seconds, (renderer.width, renderer.height))
        said = [name for from_share, name in shot.focus if time_s >= from_share * seconds]
        rig.lens = Lens(focus=said[-1] if said else "")
        hold(eye, 0.7, time_s)
        rig.pull(eye, focus_point(frame, rig.lens), 1.0 / FPS)
        words += f"   T{eye.stop:g}   {eye.focus_m:.2f} m"
        renderer.draw(frame, eye, options, Board(caption=words))
        take(renderer.read())
        yield number


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("out/previs.mp4"))
    parser.add_argument("--seconds", type=float, default=120.0, help="of the film (120)")
    parser.add_argument("--size", default="960x540", help="of the picture (960x540)")
    args = parser.parse_args()
    if not 5.0 <= args.seconds <= 600.0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it can be 5 to 600.")
    size = even(film.size_of(args.size))
    sheet = Sheet(args.out.with_suffix(".png"), columns=5, rows=4, width=384)
    with Renderer(*size) as renderer, tempfile.TemporaryDirectory() as folder:
        people = {role.person for shot in SHOTS for role in shot.roles}
        renderer.characters = {name: PEOPLE / f"{name}.glb" for name in people}
        movie = Movie(args.out, size, FPS)
        seen = 0

        def take(pixels: np.ndarray) -> None:
            nonlocal seen
            movie.add(pixels)
            sheet.add(pixels, seen / FPS)
            seen += 1

        try:
            for shot in SHOTS:
                seconds = args.seconds / len(SHOTS)
                steps = play(shot, seconds, renderer, Path(folder), take)
                for _ in told(steps, round(seconds * FPS), shot.name):
                    pass
        except BaseException:
            movie.abort()
            raise
        movie.close()
    sheet.close()
    print(f"wrote {args.out}: {movie.written} pictures; {sheet.path}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UnderstudyError as error:
        sys.exit(f"previs: {error}")

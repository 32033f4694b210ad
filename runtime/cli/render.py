"""`understudy render`: a take becomes a film."""

from __future__ import annotations

import argparse
from pathlib import Path

from understudy.runtime.core.progress import loading

from . import filming
from .file_options import add_file_options, decided
from .look_options import (
    frame_options,
    lens_of,
    lens_options,
    look_options,
    particle_options,
    particles_of,
)

SUMMARY = "turn takes or a motion file into a movie or PNG frames"
EXAMPLES = """understudy render take.bvh --out take.mp4
understudy render takes/12A_T003.mcap takes/12B_T001.mcap --out animatic.mp4 --caption
understudy render take.bvh --out take.mp4 --size 1920x1080 --camera orbit --contact-sheet sheet.png
understudy render take.bvh --out take.mp4 --character knight.glb --set flat
understudy render take.bvh --out take.mp4 --character anna.glb --voice take
understudy render take.bvh --out frames/ --fps 24 --skeleton"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "take",
        type=Path,
        nargs="+",
        help="a motion file (BVH); or takes (.mcap), one after the other, with everybody in them",
    )
    add("--out", type=Path, required=True, help="MOVIE.mp4, or a folder for PNG frames")
    add("--png", action="store_true", help="write PNG frames into --out")
    add(
        "--exr",
        action="store_true",
        help="write OpenEXR frames into --out: linear light, depth, normals, albedo, motion, ids",
    )
    add("--codec", default="h264", choices=("h264", "prores"), help="of the movie (h264)")
    add("--size", default="1280x720", help="WIDTHxHEIGHT (1280x720)")
    add("--fps", type=float, help="pictures per second (the take's own, up to 60)")
    add("--character", type=Path, metavar="FILE", help="on a character, or a profile of one")
    add(
        "--voice",
        metavar="SOUND",
        help="a sound, or `take` for the one beside the take that has its name: it moves the "
        "character's mouth and is the film's sound",
    )
    add(
        "--camera",
        metavar="CAMERA",
        help="third, first, orbit, fixed; of takes also a camera's name, or `cuts` for the one "
        "that was live (cuts where a take has cameras, else third)",
    )
    add("--focal", type=float, metavar="MM", help="focal length on a 24 mm high sensor (38)")
    add("--start", type=float, default=0.0, metavar="S", help="begin at this second of the take")
    add("--seconds", type=float, metavar="N", help="end after this many seconds")
    add("--no-effect", action="store_true", help="without the learned contact shading")
    add("--effect", metavar="DIR", help="an image effect: a folder with effect.toml, or its name")
    add("--skeleton", action="store_true", help="draw the bones over the body")
    add(
        "--caption",
        action="store_true",
        help="name and time in the corner; of takes slate, timecode and lens",
    )
    add("--states", action="store_true", help="of takes: colour who is taken over or held")
    add("--scale", type=float, help="pixels drawn per pixel along an edge (2; 1 on software)")
    add("--contact-sheet", type=Path, metavar="FILE.png", help="also a sheet of small pictures")
    add("--quiet", action="store_true", help="no progress")
    look_options(parser)
    particle_options(parser)
    frame_options(parser)
    lens_options(parser)
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage import figures
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.carrying import carried
    from understudy.runtime.viewport import film
    from understudy.runtime.viewport.capture import Sheet, even
    from understudy.runtime.viewport.mesh.mannequin import unfit
    from understudy.runtime.viewport.outfit import is_drawn
    from understudy.runtime.viewport.renderer import Renderer

    size = even(film.size_of(args.size))
    if args.scale is not None and not 0.25 <= args.scale <= 4.0:
        raise UnderstudyError(f"--scale is {args.scale:g}; it can be 0.25 to 4.")
    if args.focal is not None and not 8.0 <= args.focal <= 400.0:
        raise UnderstudyError(f"--focal is {args.focal:g} mm; it can be 8 to 400.")
    for name in ("start", "seconds"):
        value = getattr(args, name)
        if value is not None and not 0.0 <= value < 1e7:
            raise UnderstudyError(f"--{name} is {value:g}; it can be 0 to 1e7 seconds.")
    if any(path.suffix.lower() == ".mcap" for path in args.take):
        return _takes(args, size)
    if len(args.take) > 1:
        raise UnderstudyError("Only takes (.mcap) are shown one after the other; give one file.")
    (args.take,) = args.take
    args.camera = args.camera or "third"
    if args.camera not in ("third", "first", "orbit", "fixed"):
        raise UnderstudyError(
            f"--camera {args.camera}: a motion file has third, first, orbit, fixed."
        )
    figure = figures.load(args.character) if args.character is not None else None
    with loading(args.take) as bar:
        clip = bvh.read(args.take, progress=bar("reading"), **decided(args))
    for note in (*clip.notes, unfit(clip.skeleton)):
        if note:
            print(note)
    first = round(args.start / clip.frame_time_s)
    last = len(clip) if args.seconds is None else first + round(args.seconds / clip.frame_time_s)
    if not 0 <= first < len(clip) or last <= first:
        raise UnderstudyError(
            f"{args.take.name} lasts {clip.duration_s:.2f} s: nothing lies between "
            f"--start {args.start:g} and its end."
        )
    clip = clip.cut(first, min(last, len(clip)))
    clip, lift_m = film.level(clip)
    if lift_m:
        print(f"The take was {-lift_m:+.2f} m off the ground; it is put on it.")
    if figure is not None:
        clip = carried(clip, figure)
    mouth, sound = _voice(args, clip.duration_s)
    fps = film.film_rate(clip, args.fps)
    options = filming.options_of(args)
    particles = particles_of(args)
    lens = lens_of(args, options)
    lens.check([(args.take.stem, clip.skeleton)])
    sheet = Sheet(args.contact_sheet) if args.contact_sheet else None
    with Renderer(*size) as renderer:
        if figure is not None:
            drawn = is_drawn(args.character)
            renderer.characters = {figure.skeleton.character: args.character} if drawn else {}
        filming.prepare(args, renderer, options, fps)
        said = len(renderer.notes)
        for note in renderer.notes:
            print(note)
        out = film.output(args.out, args.png, size, fps, sound, args.codec, args.exr)
        steps = film.render(
            clip, out, renderer, options, fps, args.camera, args.focal, sheet, args.take.stem,
            mouth, lens, particles,
        )  # fmt: skip
        filming.write(args, out, steps, max(1, round(clip.duration_s * fps)))
        for note in renderer.notes[said:]:
            print(note)
    if sheet is not None:
        sheet.close()
        print(f"wrote {sheet.path}")
    print(f"wrote {args.out}: {out.written} pictures, {clip.duration_s:.1f} s")
    return 0


def _takes(args: argparse.Namespace, size: tuple[int, int]) -> int:
    from understudy.runtime.core.errors import UnderstudyError

    from . import render_take

    for path in args.take:
        if path.suffix.lower() != ".mcap":
            raise UnderstudyError(f"{path.name} is no take (.mcap); render it by itself.")
        if not path.is_file():
            raise UnderstudyError(f"{path} is not there.")
    return render_take.run(args, args.take, size)


def _voice(args: argparse.Namespace, seconds: float):
    """The mouth's curves (T, C) and the sound (N,) of --voice, from --start on; None for none."""
    from understudy.runtime.sources import speech, voice
    from understudy.runtime.viewport.capture import SOUND_HZ

    if args.voice is None:
        return None, None
    path = voice.beside(args.take) if args.voice == voice.OF_TAKE else Path(args.voice)
    begin, end = (round(at * SOUND_HZ) for at in (args.start, args.start + seconds))
    rows = speech.of_sound(voice.read(path))[round(args.start / speech.FRAME_S) :]
    sound = voice.read(path, SOUND_HZ)[begin:end]
    if not len(rows):
        print(f"{path.name} ends before --start {args.start:g}: nothing is heard.")
        return None, None
    return rows, sound

"""`understudy render` of takes: everybody in them, through their cameras."""

from __future__ import annotations

import argparse
import contextlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.errors import UnderstudyError

from . import filming
from .file_options import words
from .look_options import lens_of, particles_of

if TYPE_CHECKING:
    from understudy.runtime.props.table import PropTable
    from understudy.runtime.viewport.take_film import TakePart


def run(args: argparse.Namespace, paths: Sequence[Path], size: tuple[int, int]) -> int:
    from understudy.runtime.retarget import profile
    from understudy.runtime.takes.take_characters import said_files
    from understudy.runtime.takes.take_reader import TakeReader
    from understudy.runtime.viewport import film, props, take_film
    from understudy.runtime.viewport.capture import Sheet
    from understudy.runtime.viewport.renderer import Renderer

    if decided := words(args):
        raise UnderstudyError(
            f"--{next(iter(decided)).replace('_', '-')} is for motion files; a take knows its own."
        )
    given = {"*": args.character} if args.character is not None else {}
    with contextlib.ExitStack() as stack:
        parts = []
        for path in paths:
            parts.append(take_film.opened(path, args.start, args.seconds))
            stack.callback(parts[-1].frames.close)
        kind = _camera(args.camera, parts)
        fps = film.checked_rate(take_film.film_rate(parts, args.fps))
        seconds = sum(part.seconds for part in parts)
        options = filming.options_of(args)
        lens = lens_of(args, options)
        particles = particles_of(args)
        lens.check([who for part in parts for who in part.frames.who])
        sound = _sound(args, parts, seconds)
        sheet = Sheet(args.contact_sheet) if args.contact_sheet else None
        renderer = stack.enter_context(Renderer(*size))
        notes: list[str] = []
        tables: dict[str, PropTable] = {}
        for part in parts:
            reader = TakeReader(part.path)
            next(reader.entries(), None)
            tables |= props.of_session(reader.session)
            names = [name for name, _ in part.frames.who]
            try:
                files = said_files(reader.session, names)
            except (UnderstudyError, tomllib.TOMLDecodeError):
                files = {}
            for name, file in take_film.dressed(part, files, given).items():
                path = profile.file_of(file)[0]
                if path.is_file():
                    renderer.characters[name] = path
                else:
                    notes.append(f"{name} is the mannequin: {path} is not there.")
        renderer.props.tables = tables
        renderer.outfits.prepare(list(renderer.characters))
        filming.prepare(args, renderer, options, fps)
        out = film.output(args.out, args.png, size, fps, sound, args.codec, args.exr)
        steps = take_film.render(
            parts,
            out,
            renderer,
            options,
            fps,
            kind,
            args.focal,
            sheet,
            args.states,
            lens,
            particles,
        )
        filming.write(args, out, steps, take_film.pictures(parts, fps))
        for note in dict.fromkeys((*notes, *renderer.notes)):
            print(note)
    if sheet is not None:
        sheet.close()
        print(f"wrote {sheet.path}")
    print(f"wrote {args.out}: {out.written} pictures, {seconds:.1f} s")
    return 0


def _camera(asked: str | None, parts: Sequence[TakePart]) -> str:
    """The kind of eye that --camera asks for; "" is left to each take."""
    from understudy.runtime.viewport.take_film import CUTS, FOLLOWING

    there = dict.fromkeys(name for part in parts for name in part.cameras)
    if not asked or asked in FOLLOWING or asked in there or (asked == CUTS and there):
        return asked or ""
    names = f"its cameras {', '.join(there)}, cuts, " if there else "it has no cameras; "
    raise UnderstudyError(f"--camera {asked}: there are {names}{', '.join(FOLLOWING)}.")


def _sound(args: argparse.Namespace, parts: Sequence[TakePart], seconds: float):
    """The film's sound (N,): what --voice names, else what was recorded; None for none."""
    from understudy.runtime.sources import voice
    from understudy.runtime.viewport.capture import SOUND_HZ
    from understudy.runtime.viewport.take_film import heard

    if args.voice in (None, voice.OF_TAKE):
        found = heard(parts)
        if found is not None or args.voice is None:
            return found
    path = voice.beside(args.take[0]) if args.voice == voice.OF_TAKE else Path(args.voice)
    begin, end = (round(at * SOUND_HZ) for at in (args.start, args.start + seconds))
    return voice.read(path, SOUND_HZ)[begin:end]

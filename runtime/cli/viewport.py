"""`understudy viewport`: a renderer on a stream, in a window or without one."""

from __future__ import annotations

import argparse
from pathlib import Path

from .finding import stage
from .keys import key_option
from .look_options import (
    aspect_of,
    chosen,
    frame_options,
    lens_of,
    lens_options,
    look_options,
    particle_options,
    particles_of,
    sensor_of,
)

SIZE = "1280x720"
SUMMARY = "draw a stage's stream, in a window or headless into PNG frames or a movie"
EXAMPLES = """understudy viewport
understudy viewport --connect tcp://127.0.0.1:5570 --camera orbit --skeleton
understudy viewport --headless --out frames/ --seconds 10
understudy viewport --headless --movie live.mp4 --seconds 20 --stats viewport.json
understudy viewport --character ann=knight.glb
understudy viewport --set street --sun night --fog 60 --tone agx
understudy viewport --save-mannequin mannequin.glb --fit take.bvh"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--connect",
        default="tcp://127.0.0.1:5570",
        metavar="ADDRESS",
        help="the stage's stream; find: pick one of those that announce themselves",
    )
    add("--control", default="tcp://127.0.0.1:5571", metavar="ADDRESS",
        help="the stage's side channel, for the pad")  # fmt: skip
    key_option(parser)
    add(
        "--fresh",
        action="store_true",
        help="not as it was left: size, overlays and camera bookmarks are kept",
    )
    add("--headless", action="store_true", help="no window: draw through EGL")
    add("--out", type=Path, metavar="DIR", help="write PNG frames here (headless)")
    add("--movie", type=Path, metavar="FILE.mp4", help="write a movie in real time")
    add("--contact-sheet", type=Path, metavar="FILE.png", help="write a sheet of small pictures")
    add("--discard", action="store_true", help="headless: draw, and keep no PNG frames")
    add("--size", default=SIZE, metavar="WxH", help="of the picture (1280x720)")
    add(
        "--camera",
        default="third",
        choices=("third", "first", "orbit", "fixed", "stage"),
        help="third person; stage: the first camera that the stage sends",
    )
    add("--fixed-at", metavar="X,Y,Z", default="3.2,1.5,4.2", help="where the fixed camera stands")
    add("--fixed-target", metavar="X,Y,Z", default="0,0.95,0", help="what it looks at")
    add("--focal", type=float, default=38.0, metavar="MM", help="focal length (38)")
    add("--sensor", default="24", metavar="SENSOR",
        help="s16, s35, ff, lf, 65, phone, or WxH in mm: its shape is the frame without --aspect; "
        "or the height in mm of what the window shows (24)")  # fmt: skip
    add(
        "--share", metavar="NAME", help="be a camera of this name on stage, for whoever receives it"
    )
    add("--no-effect", action="store_true", help="start without the learned contact shading")
    add("--effect", metavar="DIR", help="an image effect: a folder with effect.toml, or its name")
    add("--skeleton", action="store_true", help="draw the bones over the bodies")
    add(
        "--no-overlay",
        action="store_true",
        help="nothing over the picture: no path, names, figures",
    )
    add(
        "--character",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="draw the character, or the subject, NAME as this .glb, .gltf or .vrm; may be given "
        "again. Characters of a stage on this machine are found by themselves",
    )
    look_options(parser)
    particle_options(parser)
    frame_options(parser)
    lens_options(parser)
    add("--no-life", action="store_true", help="no blinks and glances where no face comes")
    add(
        "--quality",
        choices=("auto", "low", "normal", "high"),
        help="auto keeps 24 pictures a second by drawing fewer pixels and effects, and says so. "
        "By the renderer: a window in software is auto, headless in software low, else normal",
    )
    add(
        "--fps",
        type=float,
        metavar="N",
        help="at most this many pictures a second (60; 30 headless)",
    )
    add("--seconds", type=float, metavar="N", help="end after this many seconds")
    add("--frames", type=int, metavar="N", help="end after this many pictures")
    add("--stats", type=Path, metavar="FILE.json", help="write the figures at the end")
    add("--save-mannequin", type=Path, metavar="FILE.glb", help="write the mannequin and end")
    add("--fit", type=Path, metavar="TAKE.bvh", help="with --save-mannequin: to this skeleton")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.viewport import gl

    if args.save_mannequin:
        return _save_mannequin(args.save_mannequin, args.fit)
    if args.headless and not (args.out or args.movie or args.discard or args.contact_sheet):
        raise UnderstudyError(
            "--headless draws for nobody: add --out DIR or --movie FILE.mp4 (or --discard)."
        )
    for name, low, high in (("fps", 1, 1000), ("focal", 8, 400),
                            ("seconds", 0.01, 1e7), ("frames", 1, 10**9)):  # fmt: skip
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise UnderstudyError(f"--{name} is {value:g}; it can be {low:g} to {high:g}.")
    if args.stats is not None:
        writable(args.stats)
    gl.spare_the_cores()
    viewer = _viewer(args)

    def stop() -> None:
        viewer.running = False

    try:
        with stopping(stop):
            viewer.run(args.seconds, args.frames)
        figures = viewer.figures()
    finally:
        viewer.close()
    for output in viewer.outputs:
        place = getattr(output, "path", None) or getattr(output, "folder", None)
        print(f"wrote {place}: {output.written} pictures"
              + (f", {output.dropped} dropped" if output.dropped else ""))  # fmt: skip
    if args.contact_sheet and args.contact_sheet.exists():
        print(f"wrote {args.contact_sheet}")
    if args.stats:
        _write_json(args.stats, figures)
    return 0


def _viewer(args: argparse.Namespace):
    """Everything that the loop needs; what was opened is closed again if the rest fails."""
    from contextlib import ExitStack

    from understudy.bridge import ControlClient
    from understudy.bridge.security.address import checked
    from understudy.runtime.core.humanoid import PERFORMER
    from understudy.runtime.viewport import film, gl
    from understudy.runtime.viewport.camera import Rig, shot
    from understudy.runtime.viewport.capture import Movie, Sheet, Stills
    from understudy.runtime.viewport.character_files import CharacterFiles, parse
    from understudy.runtime.viewport.editing import Editor
    from understudy.runtime.viewport.effects import folders
    from understudy.runtime.viewport.feed import Feed
    from understudy.runtime.viewport.player import PlayerPad
    from understudy.runtime.viewport.quality import Quality
    from understudy.runtime.viewport.renderer import Options, Renderer
    from understudy.runtime.viewport.settings import KEPT, Settings, folder, load
    from understudy.runtime.viewport.share import SharedCamera
    from understudy.runtime.viewport.sliders import StyleSliders
    from understudy.runtime.viewport.viewer import Viewer
    from understudy.runtime.viewport.window import Window

    size = film.size_of(args.size)
    particles = particles_of(args)
    given = dict(map(parse, args.character))
    args.connect, args.control = stage(args.connect, args.control)
    checked(args.connect), checked(args.control)
    at, target = _point(args.fixed_at, "--fixed-at"), _point(args.fixed_target, "--fixed-target")
    kept, said = Settings(), ""
    file = folder() / "viewport.toml"
    if not (args.headless or args.fresh):
        kept, said = load(file)
        if args.size == SIZE and min(kept.size) >= 64:
            size = kept.size
    if said:
        print(f"viewport: {said}", flush=True)
    fps = args.fps or (30.0 if args.headless else 60.0)
    with ExitStack() as undo:
        window = None
        if not args.headless:
            window = Window(*size, "Understudy")
            undo.callback(window.close)
        renderer = Renderer(*size, window=window.handle if window else None, wait_for_meshes=False)
        undo.callback(renderer.close)
        renderer.wardrobe.mesh(PERFORMER)  # what nearly every stage sends; ready when it comes
        if args.effect is not None:
            renderer.set_effect(folders.folder(args.effect))
        software = gl.is_software(renderer.ctx)
        usual = "normal" if not software else "low" if args.headless else "auto"
        quality = Quality(args.quality or usual)
        renderer.set_quality(quality.level.scale, quality.level.shadow)
        if window is not None:
            window.pace(0 if software else 1)
        print(f"viewport: {gl.renderer_name(renderer.ctx)}, {size[0]}x{size[1]}", flush=True)
        feed = Feed(args.connect, args.key)
        undo.callback(feed.close)
        pad = PlayerPad(args.control, window, args.key) if window else None
        if pad is not None:
            undo.callback(pad.close)
        style = StyleSliders(args.control, args.key) if window else None
        if style is not None:
            undo.callback(style.close)
        share = SharedCamera(args.share, args.control, args.key) if args.share else None
        if share is not None:
            undo.callback(share.close)
        editor = Editor(lambda: ControlClient(args.control, key=args.key)) if window else None
        if editor is not None:
            undo.callback(editor.close)
        outputs: list = []
        if args.movie:
            outputs.append(Movie(args.movie, size, fps, live=True, threads=1))
            undo.callback(outputs[-1].abort)
        if args.out and not args.discard:
            outputs.append(Stills(args.out, live=True))
        overlay = not args.no_overlay
        options = Options(
            effect=not args.no_effect,
            skeleton=args.skeleton,
            trajectory=overlay,
            contacts=overlay,
            labels=overlay,
            hud=overlay,
            life=not args.no_life,
            aspect=aspect_of(args.aspect),
            guides=args.guides,
        )
        lens = lens_of(args, options)
        for name, shown in kept.shown.items() if overlay else ():
            if name in KEPT and name not in ("skeleton", "guides"):
                setattr(options, name, shown)
        lighting = chosen(args)
        lighting.rain, lighting.cold = args.rain, args.cold
        lighting.apply(renderer, options)
        files = CharacterFiles(lambda: ControlClient(args.control, key=args.key))
        files.given = given
        renderer.characters = given
        renderer.outfits.prepare()
        height_mm, options.aspect = sensor_of(args.sensor, options.aspect, size)
        rig = Rig(
            kind=args.camera, turns=False, focal_mm=args.focal, sensor_mm=height_mm, lens=lens
        )
        if window is None:
            rig.yaw_rad = film.SHOW_YAW_RAD
        viewer = Viewer(
            renderer,
            feed,
            options,
            rig,
            shot(at, target, args.focal, size, height_mm),
            window=window,
            pad=pad,
            style=style,
            share=share,
            editor=editor,
            lighting=lighting,
            files=files,
            particles=particles,
            outputs=outputs,
            sheet=Sheet(args.contact_sheet) if args.contact_sheet else None,
            quality=quality,
            settings=kept,
            settings_file=file if window is not None else None,
            fps_limit=fps,
            read_back=args.discard,
        )
        undo.pop_all()
    return viewer


def _point(text: str, option: str):
    import numpy as np

    from understudy.runtime.core.errors import UnderstudyError

    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 3 or not np.all(np.isfinite(values)):
        raise UnderstudyError(f"{option} {text!r} is no point; write metres as X,Y,Z.")
    return np.array(values)


def _save_mannequin(path: Path, take: Path | None) -> int:
    from understudy.runtime.core.humanoid import PERFORMER
    from understudy.runtime.takes import bvh
    from understudy.runtime.viewport import gltf
    from understudy.runtime.viewport.mesh import store

    skeleton = PERFORMER if take is None else bvh.read(take).skeleton
    mesh = store.load(skeleton)
    gltf.write(path, skeleton, mesh)
    print(f"wrote {path}: {len(skeleton)} joints, {len(mesh.triangles)} triangles")
    return 0


def _write_json(path: Path, figures: dict) -> None:
    import json
    import os

    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(figures) + "\n")
    os.replace(part, path)

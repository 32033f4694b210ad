"""What `stage` and `play` are asked for: a session file, and flags that change it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.runtime.core.silence import THEN

from .file_options import add_file_options, words
from .finding import sources
from .keys import keys_option

if TYPE_CHECKING:
    from understudy.runtime.props.table import PropTable
    from understudy.runtime.stage.session import Session, SubjectTable


def add_session(parser: argparse.ArgumentParser) -> None:
    """The session itself."""
    group = parser.add_argument_group("session", "all of the below in one file; flags change it")
    group.add_argument(
        "--session", type=Path, metavar="FILE.toml", help="a session: `understudy session new`"
    )
    group.add_argument(
        "--save-session", type=Path, metavar="FILE.toml", help="write the session with all flags"
    )
    group.add_argument(
        "--resume", action="store_true", help="the last session as it was, also after a crash"
    )


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Who is on stage, and where the poses go."""
    add_session(parser)
    sources = parser.add_argument_group("sources, each adds a subject")
    sources.add_argument("--gamepad", action="store_true", help="the first gamepad of this machine")
    sources.add_argument(
        "--pad", action="append", default=[], metavar="FILE", help="a pad script (TOML)"
    )
    sources.add_argument(
        "--bvh",
        action="append",
        default=[],
        metavar="FILE[?name=NAME]",
        help="a BVH, glTF, USD or FBX file, played as a live source at its own rate; its subject "
        "is called NAME; of several, ?body= and ?clip= say which",
    )
    sources.add_argument(
        "--voice",
        action="append",
        default=[],
        metavar="SOUND[?subject=NAME]",
        help="a sound file, `take` for the take's own, or the one beside it that has its name, or "
        "`microphone`: a voice that moves the mouth of NAME or of the first; a phone's face comes "
        "before it; it goes into the take",
    )
    sources.add_argument(
        "--sound",
        action="append",
        default=[],
        metavar="SOUND[?device=NAME]",
        help="a sound file, or `microphone`, that goes into the take beside it, and moves no mouth",
    )
    sources.add_argument(
        "--take",
        action="append",
        default=[],
        metavar="TAKE[?subject=NAME]",
        help="a take (.mcap), or a list of them (.txt), played as it was solved: same names, "
        "skeletons and timecode; with ?subject= one of them, to act beside yourself",
    )
    sources.add_argument(
        "--raw",
        action="store_true",
        help="of one --take alone: its packets and pads go through the same decoders and networks "
        "again, instead of the poses that were made of them",
    )
    sources.add_argument(
        "--subject", dest="subjects", action="append", default=[],
        metavar="NAME:PART=SOURCE[@SECONDS],...",
        help="one subject of several sources, each so much later: "
        "ann:body=suit@0.05,hands=gloves,head=hmd,face=phone@0.02",
    )  # fmt: skip
    sources.add_argument(
        "--copies", type=int, metavar="N", help="every source drives N subjects (for load)"
    )
    sources.add_argument(
        "--crowd",
        action="store_true",
        help="subjects on pads keep apart, each at its own pace, late by its own delay",
    )
    sources.add_argument(
        "--floor",
        type=Path,
        metavar="FILE.toml",
        help="steps, ramps and blocks under subjects on pads and those that the takeover moves",
    )
    sources.add_argument(
        "--steps",
        action="store_true",
        help="tell of everybody's steps, 50 ms before they are heard (docs/contact.md)",
    )
    sources.add_argument(
        "--from",
        dest="sources",
        action="append",
        default=[],
        metavar="URL",
        help="a protocol to listen for, such as vmc://0.0.0.0:39539?name=ann, mvn://, "
        "rokoko://, freed://, opentrackio:// or livelinkface://, on this machine alone where no "
        "host is given; may be given again; `--from find` is a simulated device that "
        "announces itself, `--from list` prints every option",
    )
    sources.add_argument(
        "--sources", dest="source_file", type=Path, metavar="FILE.toml",
        help="the same from a file of [[source]] tables",
    )  # fmt: skip
    bvh = parser.add_argument_group("BVH playback, of every --bvh")
    bvh.add_argument("--bvh-speed", type=float, metavar="X", help="2 is twice as fast")
    bvh.add_argument("--bvh-start", type=float, metavar="S", help="seconds of the file")
    bvh.add_argument("--bvh-stop", type=float, metavar="S", help="seconds of the file")
    bvh.add_argument("--bvh-once", action="store_true", help="do not loop")
    bvh.add_argument(
        "--bvh-skeleton",
        choices=("own", "performer"),
        help="own: every joint of the file, fingers too (own); performer: ours, of 22 joints",
    )
    add_file_options(parser)
    live = parser.add_argument_group(
        "live mocap", "a BVH file on stage is played as if it came live; its signal may fail"
    )
    live.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="[NAME=]START-STOP[:JOINT,...]",
        help="lose the whole body, or these joints, from START to STOP in seconds of the file (a "
        "loop loses them again); in every --bvh file, or in NAME.bvh; may be given again",
    )
    live.add_argument(
        "--jitter",
        type=float,
        metavar="S",
        help="deliver late by up to S seconds, out of order and in bursts",
    )
    live.add_argument(
        "--stop-after",
        type=float,
        metavar="S",
        help="a body missing for longer comes to a stop and stands (2)",
    )
    live.add_argument(
        "--then",
        choices=THEN,
        help="and then: stand, idle (stand with the life of one who waits), sit down, or exit, "
        "walk off the stage (stand)",
    )
    live.add_argument(
        "--no-takeover",
        action="store_true",
        help="hold what is missing instead of acting it: HOLD, then LOST",
    )
    parser.add_argument_group("acting").add_argument(
        "--style",
        metavar="TRAIT=VALUE,...",
        help="of everybody on a pad, from the start: energy=0.5,crouch=-0.3, each -1 to 1",
    )
    parser.add_argument_group("controllers").add_argument(
        "--controller", dest="controllers", action="append", default=[], metavar="URL",
        help="faders and buttons: midi://, midi://NAME or osc://0.0.0.0:9001; what they do is "
        "learned (`understudy controls`, key I of the viewport) or said in the session",
    )  # fmt: skip
    parser.add_argument_group("props").add_argument(
        "--prop", dest="props", action="append", default=[], metavar="NAME=SHAPE[?WORD=VALUE&...]",
        help="a thing that moves by physics and that hands can hold: box, sphere, cylinder, "
        "capsule, or a .glb file; size, material (wood, metal, stone, glass, cloth, plastic, "
        "rubber), mass, at, heading, static, tracked: 'crate=box?size=0.4,0.4,0.4&at=0,1'",
    )  # fmt: skip
    parser.add_argument_group("characters").add_argument(
        "--character",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="the subject NAME, or everybody, goes out as this character: .glb, .gltf, .vrm, a "
        "motion file, or a profile (`understudy retarget --save-profile`); may be given again",
    )
    loop = parser.add_argument_group("loop")
    loop.add_argument("--rate", type=float, metavar="HZ", help="ticks a second (60)")
    loop.add_argument("--seconds", type=float, metavar="N", help="stop after N seconds")
    loop.add_argument(
        "--timecode", metavar="RATE", help="timecode rate, e.g. 24, 29.97df (30); time of day"
    )
    loop.add_argument(
        "--timecode-from", metavar="URL",
        help="follow another's timecode: ltc:// (an audio input), mtc:// (MIDI), artnet://0.0.0.0, "
        "opentrackio://multicast",
    )  # fmt: skip
    loop.add_argument(
        "--timecode-to", action="append", default=[], metavar="URL",
        help="send the stage's own: ltc:// (an audio output), ltc:///FILE.wav, mtc:// (MIDI), "
        "artnet://HOST; may be given again",
    )  # fmt: skip
    loop.add_argument(
        "--no-realtime", action="store_true", help="do not ask for real-time priority"
    )
    loop.add_argument("--weights", type=Path, metavar="FILE.onnx", help="another motion network")
    loop.add_argument(
        "--takeover-weights", type=Path, metavar="FILE.onnx", help="another takeover network"
    )
    wire = parser.add_argument_group("wire")
    wire.add_argument("--publish", metavar="ADDRESS", help="(tcp://127.0.0.1:5570)")
    wire.add_argument("--control", metavar="ADDRESS", help="(tcp://127.0.0.1:5571)")
    keys_option(wire)
    wire.add_argument(
        "--no-announce", action="store_true", help="tell nobody by mDNS that this stage is here"
    )
    wire.add_argument(
        "--insecure", action="store_true", help="listen beyond this machine without keys"
    )
    outputs = parser.add_argument_group(
        "outputs", "by an `understudy send` of the stage's own; `--to list` has all of them"
    )
    add_outputs(outputs.add_argument)
    files = parser.add_argument_group("files")
    files.add_argument(
        "--slate",
        action="append",
        default=[],
        metavar="WORD=VALUE,...",
        help="what is being shot, of which takes are named: project, scene, shot, take, "
        "description, notes; --slate scene=12,shot=B",
    )
    files.add_argument(
        "--trigger-from", action="append", default=[], metavar="URL",
        help="who may begin and end takes: xml://0.0.0.0:1512 (CaptureStart, CaptureStop), "
        "osc://0.0.0.0:8000 (/RecordStart, /RecordStop) or http://0.0.0.0:8090",
    )  # fmt: skip
    files.add_argument(
        "--trigger-to", action="append", default=[], metavar="URL",
        help="who is told when takes begin and end: xml://, osc:// (as to a phone's Live Link "
        "Face) or http://",
    )  # fmt: skip
    files.add_argument(
        "--record",
        type=Path,
        metavar="TAKE",
        help="record from start to end: x.mcap is the take; x.bvh, x.glb, x.usd, x.fbx, x.csv ... "
        "the take and that file of it",
    )
    files.add_argument(
        "--stats", type=Path, metavar="FILE.json", help="write the figures at the end"
    )


def listed(args: argparse.Namespace) -> bool:
    """Prints what `--from list` or `--to list` ask for; whether one did."""
    if "list" in args.sources:
        from understudy.runtime.sources import registry

        print(registry.listing())
        return True
    if "list" in args.to:
        from .send import listing

        print(listing())
        return True
    return False


def session_of(args: argparse.Namespace) -> tuple[Session, Path | None]:
    """The session that flags and file make, checked, and the file that it came from."""
    from understudy.bridge.security.keys import Keyring
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.props import table as props
    from understudy.runtime.sources.controls.style import parse_style
    from understudy.runtime.stage import session as sessions
    from understudy.runtime.stage.bindings import ControllerTable
    from understudy.runtime.takes.slate import parse as parse_slate

    if args.session is not None and args.resume:
        raise UnderstudyError("--resume is the last session, --session another; give one of them.")
    if args.seconds is not None and not args.seconds > 0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must be above 0.")
    path: Path | None = sessions.last_state() if args.resume else args.session
    if args.raw:
        return _raw(args), None
    session = sessions.load(path) if path is not None else sessions.Session()
    loop = session.stage
    for flag, word, low, high in (
        ("rate", "rate_hz", 1.0, 1000.0),
        ("stop_after", "stop_after_s", 1e-9, 3600.0),
        ("copies", "copies", 1, 4096),
    ):
        if (value := getattr(args, flag)) is not None:
            if not low <= value <= high:
                raise UnderstudyError(
                    f"--{flag.replace('_', '-')} is {value:g}; it must lie between {low:g} and "
                    f"{high:g}."
                )
            setattr(loop, word, value)
    for flag in ("timecode", "timecode_from", "publish", "control", "then"):
        if (value := getattr(args, flag)) is not None:
            setattr(loop, flag, value)
    for flag in ("weights", "takeover_weights"):
        if (value := getattr(args, flag)) is not None:
            setattr(loop, flag, str(value.absolute()))
    loop.crowd |= args.crowd
    if args.floor is not None:
        loop.floor = str(args.floor.absolute())
    session.contact.steps |= args.steps
    loop.insecure |= args.insecure
    loop.takeover &= not args.no_takeover
    loop.realtime &= not args.no_realtime
    if args.keys is not None:
        loop.keys = str(Keyring(args.keys or None).folder)
    if args.style is not None:
        loop.style = {**loop.style, **parse_style(args.style)}
    for text in args.slate:
        for word, value in parse_slate(text).items():
            setattr(session.slate, word, value)
    for name, character in map(character_of, args.character):
        session.characters[name] = character
        for subject in session.subject:
            if subject.name == name:
                subject.character = character
    args.sources = sources(args.sources)
    session.source += _sources(args)
    session.subject += map(_subject, args.subjects)
    session.prop += map(props.parse, args.props)
    session.prop += _played(args, {table.name for table in session.prop})
    session.output += _outputs(args)
    session.trigger += [{"from": line} for line in args.trigger_from]
    session.controller += [ControllerTable(source=line) for line in args.controllers]
    loop.timecode_to = [*loop.timecode_to, *args.timecode_to]
    loop.announce &= not args.no_announce
    session.trigger += [{"to": line} for line in args.trigger_to]
    sessions.check(session)
    check_maps(session, str(path or ""))
    check_outputs(session, str(path or ""))
    if args.save_session is not None:
        sessions.save(session, args.save_session)
    return session, path if args.session is not None else args.save_session


def raw_take(args: argparse.Namespace) -> Path:
    """The take whose packets are to be solved again."""
    from understudy.runtime.core.errors import UnderstudyError

    others = args.pad or args.bvh or args.sources or args.source_file or args.gamepad
    if len(args.take) != 1 or others or args.session or args.resume:
        raise UnderstudyError("--raw plays one --take and nothing beside it.")
    return Path(args.take[0])


def _raw(args: argparse.Namespace) -> Session:
    """The session of a take whose packets are to be solved again; outputs and wire are of now."""
    from understudy.runtime.stage.replay import session_of_take

    session = session_of_take(raw_take(args))
    for word in ("publish", "control"):
        setattr(session.stage, word, getattr(args, word) or getattr(type(session)().stage, word))
    session.stage.insecure, session.stage.realtime = args.insecure, not args.no_realtime
    session.output = _outputs(args)
    check_outputs(session)
    return session


def character_of(said: str) -> tuple[str, str]:
    """[NAME=]FILE; "*" stands for everybody."""
    name, equals, file = said.partition("=")
    if not equals:
        name, file = "*", said
    return name, str(Path(file).absolute())


def _subject(said: str) -> SubjectTable:
    """NAME:body=SOURCE@SECONDS,hands=SOURCE,... as a [[subject]] table."""
    from understudy.runtime.core import typed
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage.session import SubjectTable

    name, colon, parts = said.partition(":")
    table: dict[str, Any] = {"name": name}
    for word in parts.split(",") if colon else []:
        part, equals, source = word.partition("=")
        source, at, delay = source.rpartition("@") if "@" in source else (source, "", "")
        if not equals or not source or part not in ("body", "hands", "head", "face"):
            raise UnderstudyError(
                f"--subject is {said!r}, and {word!r} is no part; write "
                "ann:body=suit@0.05,hands=gloves,head=hmd,face=phone."
            )
        try:
            delay_s = float(delay) if at else 0.0
        except ValueError:
            raise UnderstudyError(f"--subject has {word!r}; behind the @ are seconds.") from None
        if part == "face":
            table |= {"face": source, "face_delay_s": delay_s}
        else:
            table[part] = {"from": source, "delay_s": delay_s} if at else source
    if len(table) == 1:
        raise UnderstudyError(f"--subject is {said!r}; write ann:body=suit,hands=gloves.")
    return typed.convert(table, SubjectTable, f"--subject {name}")


def _heard(said: str, args: argparse.Namespace) -> str:
    """A --voice line, `take` as the sound beside the first take or motion file."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.sources import registry, voice

    path, mark, options = said.partition("?")
    if path != voice.OF_TAKE:
        return said
    played = [f"take://{one}" for one in args.take] + [f"bvh://{one}" for one in args.bvh]
    if not played:
        raise UnderstudyError("--voice take is the sound of --take FILE or --bvh FILE: add one.")
    return f"{voice.beside(Path(registry.parse(played[0]).path))}{mark}{options}"


def _sources(args: argparse.Namespace) -> list[dict[str, Any]]:
    """[[source]] tables of the flags."""
    import msgspec

    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.sources import registry
    from understudy.runtime.sources.files.dropout import MOST_JITTER_S, parse_named_drop

    here = Path.cwd()
    tables = [{"from": registry.rooted(f"pad://{pad}", here)} for pad in args.pad]
    if args.gamepad:
        tables.append({"from": "gamepad://"})
    tables += [{"from": registry.rooted(f"voice://{_heard(v, args)}", here)} for v in args.voice]
    mute = [f"{sound}{'&' if '?' in sound else '?'}face=0" for sound in args.sound]
    tables += [{"from": registry.rooted(f"voice://{_heard(s, args)}", here)} for s in mute]
    if getattr(args, "remote", False):
        tables.append({"from": "remote://"})
    spoilt = args.jitter is not None or args.drop
    if spoilt and not args.bvh:
        raise UnderstudyError("--drop and --jitter spoil a mocap signal: add --bvh FILE.")
    if args.jitter is not None and not 0.0 <= args.jitter <= MOST_JITTER_S:
        raise UnderstudyError(f"--jitter is {args.jitter:g} s; it can be 0 to {MOST_JITTER_S:g}.")
    films = [registry.parse(f"bvh://{said}") for said in args.bvh]
    stems = [Path(film.path).stem for film in films]
    drops = [parse_named_drop(text) for text in args.drop]
    for name, drop in drops:
        if name and name not in stems:
            raise UnderstudyError(
                f"--drop {name}={drop}: no --bvh file is called {name!r}; there are "
                f"{', '.join(stems)}."
            )
    for number, (film, stem) in enumerate(zip(films, stems)):
        table: dict[str, Any] = {"from": f"bvh://{here / film.path}"}
        for option in msgspec.structs.fields(film.options):
            if (said := getattr(film.options, option.name)) != option.default:
                table[option.encode_name] = said
        own = [str(drop) for name, drop in drops if name in ("", stem)]
        for word, value in (
            ("speed", args.bvh_speed),
            ("start", args.bvh_start),
            ("stop", args.bvh_stop),
            ("loop", False if args.bvh_once else None),
            ("skeleton", args.bvh_skeleton),
            *words(args).items(),
            ("jitter", args.jitter),
            ("drop", ";".join(own) or None),
            ("seed", number if args.jitter else None),
        ):
            if value is not None:
                table[word] = value
        tables.append(table)
    tables += [{"from": registry.rooted(f"take://{said}", here)} for said in args.take]
    tables += [{"from": line} for line in args.sources]
    if args.source_file is not None:
        registry.endpoints([], args.source_file)  # whose sentences name the file
        tables += _tables(args.source_file, "source")
    return tables


def _played(args: argparse.Namespace, taken: set[str]) -> list[PropTable]:
    """What the props of takes are that are played, so that they are shown as that and push."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage.replay import session_of_take

    found: list[PropTable] = []
    for said in args.take:
        path = Path(said.partition("?")[0])
        if path.suffix.lower() != ".mcap":
            continue
        try:
            tables = session_of_take(path).prop
        except UnderstudyError:  # whoever plays it says what is wrong with it
            continue
        for table in tables:
            if table.name not in taken and not (table.is_file and not Path(table.shape).is_file()):
                taken.add(table.name)
                found.append(table.followed())
    return found


def _outputs(args: argparse.Namespace) -> list[dict[str, Any]]:
    """[[output]] tables of the flags."""
    tables: list[dict[str, Any]] = [{"to": line} for line in args.to]
    if args.outputs is not None:
        from understudy.runtime.outputs import sender

        sender.targets([], args.outputs)
        tables += _tables(args.outputs, "output")
    return tables


def _tables(path: Path, noun: str) -> list[dict[str, Any]]:
    import tomllib

    return list(tomllib.loads(path.read_text("utf-8-sig"))[noun])


def add_outputs(add: Callable[..., object]) -> None:
    """--to and --outputs, for a stage and for `send`."""
    add(
        "--to",
        action="append",
        default=[],
        metavar="URL",
        help="an output, such as vmc://host:39539?rate=60&delay=0.05; give as many as you like",
    )
    add(
        "--outputs", type=Path, metavar="FILE.toml", help="outputs from a file of [[output]] tables"
    )


def check_maps(session: Session, file: str = "") -> None:
    """Raises the sentence about a source's joint map that cannot be read, naming its table."""
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.joint_map import read_map

    for number, table in enumerate(session.source, 1):
        if not (said := table.get("map")):
            continue
        try:
            read_map(Path(said))
        except UnderstudyError as error:
            place = f"{file}, [[source]] {number}: " if file else ""
            raise UnderstudyError(f"{place}{error}") from None


def check_outputs(session: Session, file: str = "") -> None:
    """Raises the sentence about an output that cannot be, before anything is started."""
    if session.output:
        from understudy.runtime.outputs import sender, target

        named = []
        for number, table in enumerate(session.output, 1):
            place = f"{file}, [[output]] {number}" if file and len(table) > 1 else ""
            words = {name: value for name, value in table.items() if name != "to"}
            named.append(target.parse(table["to"], sender.known(), words, place))
        sender.Sender(named).close()

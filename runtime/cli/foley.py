"""`understudy foley`: what happens on a stage, or happened in a take, as sound."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .finding import stage
from .keys import key_option

SUMMARY = "make the sounds of a stage or a take: steps, props, clothes; to a device or a WAV"
EXAMPLES = """understudy foley --wav foley.wav          # of the stage that runs, until Ctrl+C
understudy foley --device                 # heard, by this machine's sound
understudy foley take.mcap --wav foley.wav --stems --floor gravel
understudy foley --osc 127.0.0.1:9000     # for a sampler of your own"""


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("take", nargs="?", type=Path, metavar="TAKE.mcap", help="a take in place of a stage")
    add("--connect", default="tcp://127.0.0.1:5570", metavar="ADDRESS",
        help="the stage's stream; find: pick one of those that announce themselves")  # fmt: skip
    add("--control", metavar="ADDRESS",
        help="the stage's control address, to compare clocks with another machine")  # fmt: skip
    key_option(parser)
    add("--wav", type=Path, metavar="FILE.wav", help="write Broadcast Wave, with timecode")
    add("--stems", action="store_true",
        help="beside the mix one file for each of steps, hands, props, cloth")  # fmt: skip
    add("--device", nargs="?", const="", metavar="NAME",
        help="play it on this machine, or on a device by a part of its name; list: which there are",
    )  # fmt: skip
    add("--events", type=Path, metavar="FILE.csv", help="write a list of what happened")
    add("--osc", metavar="HOST:PORT", help="send every event as /understudy/event, for a sampler")
    add("--midi", metavar="NAME", help="send every event as a note to a MIDI port")
    add("--samples", type=Path, metavar="DIR",
        help="sounds of your own, STRUCK_BY_NUMBER.wav such as wood_rubber_1.wav")  # fmt: skip
    add("--room", choices=("none", "stage", "hall", "outdoors"), default="stage",
        help="what is around it (stage)")  # fmt: skip
    add("--gain", type=float, default=0.0, metavar="DB", help="louder or softer, in dB (0)")
    add("--camera", default="", metavar="NAME", help="by whose picture it is heard (the first)")
    add("--no-cloth", action="store_true", help="no clothes that rustle")
    add("--floor", default="wood", metavar="MATERIAL",
        help="of a take that tells of no steps: what the floor is made of (wood)")  # fmt: skip
    add("--sole", default="rubber", metavar="MATERIAL", help="and the soles (rubber)")
    add("--seconds", type=float, metavar="S", help="end after so long")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.foley import samples
    from understudy.runtime.foley.foley import Foley
    from understudy.runtime.foley.materials import MATERIALS
    from understudy.runtime.foley.sinks import devices

    if args.device == "list":
        print("\n".join(devices()))
        return 0
    if not (args.wav or args.device is not None or args.osc or args.midi or args.events):
        raise UnderstudyError(
            "Nobody would hear it: give --wav FILE.wav, --device, --osc or --midi."
        )
    if args.stems and args.wav is None:
        raise UnderstudyError("--stems are files beside the mix; give --wav FILE.wav too.")
    if not -60.0 <= args.gain <= 24.0:
        raise UnderstudyError(f"--gain is {args.gain:g}; it can be -60 to 24 dB.")
    for word in ("floor", "sole"):
        if getattr(args, word) not in MATERIALS:
            raise UnderstudyError(
                f"--{word} is {getattr(args, word)!r}; it can be {', '.join(MATERIALS)}."
            )
    own = samples.load(args.samples) if args.samples else None
    foley = Foley(
        0.0, args.room, 10.0 ** (args.gain / 20.0), not args.no_cloth, args.camera, own=own
    )
    return _of_take(args, foley) if args.take is not None else _of_stage(args, foley)


def _of_take(args: argparse.Namespace, foley: object) -> int:
    from understudy.runtime.contact.footsteps import Surface
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable
    from understudy.runtime.foley import event_list, of_take
    from understudy.runtime.foley.score import STEMS
    from understudy.runtime.foley.sinks import WavSink

    if args.wav is None or args.device is not None:
        raise UnderstudyError("Of a take a file is made: give --wav FILE.wav, and no --device.")
    if args.events:
        writable(args.events)
    shown = of_take.frames(args.take)
    wav = WavSink(args.wav, STEMS, args.stems)
    wav.origin = of_take.origin(shown[0], args.take.stem)
    told, found = of_take.events(args.take, shown, Surface(args.sole, args.floor))
    if found:
        name = args.take.name
        print(f"foley: {name} tells of no steps; they are found in its poses, on {args.floor}.")
    of_take.write(shown, told, foley, wav)  # type: ignore[arg-type]
    if args.events:
        event_list.write(args.events, told, shown[0].publish_ns * 1e-9)
    _say([*wav.close(), *([args.events] if args.events else [])], len(told))
    return 0


def _of_stage(args: argparse.Namespace, foley: object) -> int:
    import contextlib

    from understudy.bridge.control import ControlClient
    from understudy.bridge.subscriber import Subscriber
    from understudy.runtime.core.files import writable
    from understudy.runtime.core.signals import stopping
    from understudy.runtime.foley import event_list
    from understudy.runtime.foley.live import Live, Sender
    from understudy.runtime.foley.of_take import origin
    from understudy.runtime.foley.score import STEMS
    from understudy.runtime.foley.senders import MidiSender, OscSender
    from understudy.runtime.foley.sinks import WavSink, now_s

    address, _ = stage(args.connect, "")
    with contextlib.ExitStack() as stack:
        senders: list[Sender] = [OscSender(args.osc)] if args.osc else []
        senders += [MidiSender(args.midi)] if args.midi else []
        for sender in senders:
            stack.callback(sender.close)
        heard = stack.enter_context(Subscriber(address, newest=True, events=True, key=args.key))
        if args.events:
            writable(args.events)
        wav = WavSink(args.wav, STEMS, args.stems) if args.wav else None
        offset_s = 0.0
        if args.control:
            with ControlClient(args.control, key=args.key) as client:
                offset_s = client.clock().offset_ns * 1e-9
        live = Live(heard, foley, senders, offset_s)  # type: ignore[arg-type]
        stack.enter_context(stopping(live.stop))
        print(f"foley: listens to {address}", file=sys.stderr, flush=True)
        first = live.first(args.seconds)
        if first is None:
            print(f"foley: {heard.trouble or f'nothing came from {address}'}", file=sys.stderr)
            return 1
        foley.began_s = now_s()  # type: ignore[attr-defined]
        if wav is not None:
            wav.origin = origin(first)
        missed = live.run(wav, args.device, args.seconds)
    written = wav.close() if wav is not None else []
    if args.events:
        event_list.write(args.events, live.told, foley.began_s)  # type: ignore[attr-defined]
        written.append(args.events)
    _say(written, live.events)
    if missed:
        print(f"foley: the device waited for {missed} blocks", file=sys.stderr)
    if not live.steps:
        print("foley: the stage told of no steps; start it with --steps.", file=sys.stderr)
    return 0


def _say(written: list[Path], events: int) -> None:
    for path in written:
        print(path)
    print(f"foley: {events} events", file=sys.stderr)

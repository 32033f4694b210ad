"""`understudy timecode`: linear timecode into a sound file, and out of one."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "write linear timecode (LTC) as a WAV file, or read it out of one"
EXAMPLES = """understudy timecode write ltc.wav --start 10:00:00:00 --rate 25 --seconds 600
understudy timecode read ltc.wav --rate 25"""
SAMPLE_RATE = 48000


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    for act, what in (("write", "a WAV file of timecode"), ("read", "what a WAV file says")):
        one = acts.add_parser(act, help=what, description=what)
        one.add_argument("file", type=Path, metavar="FILE.wav")
        one.add_argument("--rate", default="25", metavar="RATE", help="23.976 to 30, 29.97df (25)")
        if act == "write":
            one.add_argument("--start", default="01:00:00:00", metavar="HH:MM:SS:FF")
            one.add_argument("--seconds", type=float, default=60.0, metavar="N", help="(60)")


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core import timecode
    from understudy.runtime.core.errors import UnderstudyError

    exact = timecode.rate(args.rate)
    if exact > 30:
        raise UnderstudyError(f"Linear timecode counts up to 30 frames a second, not {args.rate}.")
    return _write(args, float(exact)) if args.act == "write" else _read(args)


def _write(args: argparse.Namespace, rate_hz: float) -> int:
    import os
    import wave

    from understudy.bridge.protocols import ltc
    from understudy.runtime.core import timecode
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable

    if not 0.1 <= args.seconds <= 86400.0:
        raise UnderstudyError(f"--seconds is {args.seconds:g}; it must lie between 0.1 and 86400.")
    first = timecode.frame_number(args.start, args.rate)
    count = round(args.seconds * rate_hz)
    writable(args.file)
    part = args.file.with_name(args.file.name + ".part")
    with wave.open(str(part), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        # As many frames at once as fall on whole samples, so that nothing drifts.
        step = 1001
        for at in range(0, count, step):
            numbers = range(first + at, first + min(at + step, count))
            labels = [timecode.label(n, args.rate) for n in numbers]
            sound = ltc.encode(labels, rate_hz, SAMPLE_RATE)
            out.writeframes((sound * 32767).astype("<i2").tobytes())
    os.replace(part, args.file)
    last = timecode.label(first + count - 1, args.rate)
    print(f"{args.file}: {timecode.label(first, args.rate)} to {last} at {args.rate}")
    return 0


def _read(args: argparse.Namespace) -> int:
    import wave

    import numpy as np

    from understudy.bridge.protocols import ltc
    from understudy.runtime.core.errors import Failure, UnderstudyError
    from understudy.runtime.core.files import shown

    found: list[ltc.Frame] = []
    try:
        with wave.open(str(args.file), "rb") as sound:
            if sound.getsampwidth() != 2:
                raise UnderstudyError(f"{shown(args.file)} has no 16-bit samples; write it anew.")
            decoder = ltc.Decoder(sound.getframerate())
            rate, channels = sound.getframerate(), sound.getnchannels()
            while data := sound.readframes(rate):
                samples = np.frombuffer(data, "<i2").reshape(-1, channels)[:, 0]
                found += decoder.feed(samples / 32768.0)
    except (OSError, EOFError, wave.Error) as error:
        raise UnderstudyError(f"{shown(args.file)} is no WAV file: {error}.") from None
    if not found:
        raise Failure(f"{shown(args.file)} has no timecode in its first channel.")
    first, last = found[0], found[-1]
    way = "backwards, " if first.backwards else ""
    long_s = (last.at - first.at) / rate
    rate_hz = (len(found) - 1) / long_s if long_s else first.rate_hz
    print(
        f"{args.file}: {first.label} at {first.at / rate:.4f} s to {last.label} at "
        f"{last.at / rate:.4f} s, {way}{len(found)} frames, "
        f"{rate_hz:.3f} a second, {decoder.wrong} wrong"
    )
    return 0

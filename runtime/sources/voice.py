"""A voice as a source: a sound file, or a microphone, moves the mouth of a subject.

    voice://speech.wav?subject=ann     voice://microphone     voice://microphone?device=USB

It gives way: where a phone's face is there too, the phone has the mouth for as long as it comes.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.typed import Table

from . import speech
from .devices.livelinkface import NECK_AND_HEAD
from .endpoint import Endpoint
from .face import Face
from .packet import Packet
from .streams import Kind, Stream

MICROPHONE = "microphone"
MOST_S = 4 * 3600.0
BLOCK_S = 0.01


class Options(Table, frozen=True, kw_only=True):
    """What a voice takes."""

    name: Annotated[str, Meta(description="the subject's name, where nobody else is on stage")] = ""
    subject: Annotated[str, Meta(description="whose mouth it moves (the first's)")] = ""
    loop: Annotated[bool, Meta(description="0: once")] = True
    device: Annotated[str, Meta(description="a microphone by a part of its name (the usual)")] = ""
    gain: Annotated[float, Meta(ge=0.01, le=100.0, description="how much louder it is heard")] = 1.0


# A take's own sound is the file beside it that has its name.
OF_TAKE, SOUNDS = "take", (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".mp4", ".mov")


def beside(take: Path) -> Path:
    """The sound of a take."""
    for suffix in SOUNDS:
        for path in (take.with_suffix(suffix), take.with_suffix(suffix.upper())):
            if path != take and path.is_file():
                return path
    raise UnderstudyError(
        f"{take.name} has no sound: put one beside it, as {take.stem}.wav, or name one."
    )


def read(path: Path, rate_hz: int = speech.RATE_HZ) -> Array:
    """(N,) -1..1 mono at a rate of any sound, or film with sound, that FFmpeg reads."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise UnderstudyError(f"{path.name} has no sound.")
            if file.duration and file.duration * 1e-6 > MOST_S:
                raise UnderstudyError(f"{path.name} lasts over {MOST_S / 3600:g} hours; cut it.")
            to = av.AudioResampler("flt", "mono", rate_hz)
            flat = [f.to_ndarray()[0] for one in file.decode(audio=0) for f in to.resample(one)]
            flat += [f.to_ndarray()[0] for f in to.resample(None)]
    except (FFmpegError, OSError) as error:
        raise UnderstudyError(
            f"{path} cannot be read as a sound: {error.strerror or error}."
        ) from None
    return np.concatenate(flat) if flat else np.zeros(0)


class Voice(Face):
    """The mouth's curves; another face of the same subject comes before it."""

    gives_way = True

    def __init__(self) -> None:
        super().__init__(speech.CURVES)


class VoiceSource:
    """What file and microphone share: a FACE stream, and a head for a voice that is alone."""

    def __init__(self, name: str, options: Options) -> None:
        self.name, self.face = name, Voice()
        self.skeleton, self.heard_ns = NECK_AND_HEAD, 0
        self.streams = (
            Stream(Kind.FACE, self.face, wearer=options.subject),
            Stream(Kind.BODY, self, only_face=True),
        )

    @property
    def silence(self) -> str:
        return self.notice

    @property
    def notice(self) -> str:
        return ""

    def heard(self, now_s: float) -> Array | None:
        """(K,) the curves that are new at this tick."""
        raise NotImplementedError

    def poll(self, now_s: float) -> list[Packet]:
        """Curves into `face`; never waits."""
        packets = []
        if (curves := self.heard(now_s)) is not None:
            self.face.take(curves, now_s)
            self.heard_ns = time.monotonic_ns()
            rest = NECK_AND_HEAD.rest_positions.copy()
            packets.append(Packet(now_s, rest, rotation.identity(2), tick_s=now_s))
        self.face.advance(now_s)
        return packets

    def figures(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        pass


class SoundFile(VoiceSource):
    """A file's voice; its curves are worked out when it is opened."""

    def __init__(self, path: Path, name: str, options: Options) -> None:
        super().__init__(name, options)
        self._rows = speech.of_sound(read(path) * options.gain)
        if not len(self._rows):
            raise UnderstudyError(f"{path.name} is too short to hold a word.")
        self._loop, self._begin_s = options.loop, float("nan")

    def heard(self, now_s: float) -> Array | None:
        if np.isnan(self._begin_s):
            self._begin_s = now_s
        at = (now_s - self._begin_s - speech.MIDDLE_S) / speech.FRAME_S
        if not self._loop and at >= len(self._rows):
            return None
        # Between two frames, so that 120 ticks a second move evenly.
        one, share = divmod(max(at, 0.0), 1.0)
        a, b = (self._rows[int(one + k) % len(self._rows)] for k in (0, 1))
        return (a + np.float32(share) * (b - a)).astype(np.float32)


class Microphone(VoiceSource):
    """A microphone's voice, 60 ms after it is heard; its sound is worked on by a thread."""

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)
        self._sound: queue.SimpleQueue[Array | None] = queue.SimpleQueue()
        self._latest: Array | None = None
        self._fault = ""
        self._listener, self._gain = speech.Listener(), options.gain
        self._stream = self._opened(options.device)
        self._thread = threading.Thread(target=self._listen, name="voice", daemon=True)
        self._thread.start()

    def _opened(self, device: str) -> Any:
        try:
            import sounddevice
        except (ImportError, OSError):
            raise UnderstudyError(
                "A microphone needs sounddevice and PortAudio: pip install sounddevice, and "
                "apt install libportaudio2 on Linux."
            ) from None
        try:
            stream = sounddevice.InputStream(
                samplerate=speech.RATE_HZ, channels=1, dtype="float32",
                blocksize=round(BLOCK_S * speech.RATE_HZ), device=device or None,
                callback=lambda data, *_: self._sound.put(data[:, 0].copy()),
            )  # fmt: skip
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise UnderstudyError(f"The microphone cannot be opened: {error}.") from None
        return stream

    def _listen(self) -> None:
        while (sound := self._sound.get()) is not None:
            rows = self._listener.hear(sound * self._gain)
            if rows:
                self._latest = rows[-1]

    def heard(self, now_s: float) -> Array | None:
        latest, self._latest = self._latest, None
        return latest

    @property
    def notice(self) -> str:
        return "" if self._stream.active else "the microphone has stopped"

    def close(self) -> None:
        self._stream.close()
        self._sound.put(None)


def opened(endpoint: Endpoint, name: str) -> VoiceSource:
    """The source of a line: a file, or a microphone where it is called that."""
    options: Options = endpoint.options
    path = Path(endpoint.path)
    # A session has absolute paths.
    if path.name == MICROPHONE and not path.exists():
        return Microphone(name, options)
    return SoundFile(path, name, options)

"""A voice as a source: a sound file, or a microphone, moves the mouth of a subject.

    voice://speech.wav?subject=ann     voice://microphone     voice://microphone?device=USB

It gives way: where a phone's face is there too, the phone has the mouth for as long as it comes.
What is heard goes into takes; `face=0` is a sound for takes alone.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.runtime.core import rotation, sound
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import Piece
from understudy.runtime.core.typed import Table
from understudy.runtime.takes import take_sound

from . import speech
from .devices.livelinkface import NECK_AND_HEAD
from .endpoint import Endpoint
from .face import Face
from .local_options import Local
from .microphone import BLOCK_S, Microphone
from .packet import Packet
from .streams import Kind, Stream

MICROPHONE = "microphone"
MOST_S = 4 * 3600.0
# What is kept of a microphone until the stage asks for it.
KEPT_S = 10.0


class Options(Table, frozen=True, kw_only=True):
    """What a voice takes."""

    name: Annotated[str, Meta(description="the subject's name, where nobody else is on stage")] = ""
    subject: Annotated[str, Meta(description="whose mouth it moves (the first's)")] = ""
    loop: Annotated[bool, Meta(description="0: once")] = True
    device: Annotated[str, Meta(description="a microphone by a part of its name (the usual)")] = ""
    gain: Annotated[float, Meta(ge=0.01, le=100.0, description="how much louder it is heard")] = 1.0
    face: Annotated[bool, Meta(description="0: it goes into takes, and moves no mouth")] = True


# A take's own sound is in it, or the file beside it that has its name.
OF_TAKE, TAKE = "take", ".mcap"
SOUNDS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".mp4", ".mov")


def beside(take: Path) -> Path:
    """The sound of a take: the take itself where it holds one."""
    if take.suffix.lower() == TAKE and take_sound.names(take):
        return take
    for suffix in SOUNDS:
        for path in (take.with_suffix(suffix), take.with_suffix(suffix.upper())):
            if path != take and path.is_file():
                return path
    raise UnderstudyError(
        f"{take.name} has no sound: put one beside it, as {take.stem}.wav, or name one."
    )


def read(path: Path, rate_hz: int = speech.RATE_HZ) -> Array:
    """(N,) -1..1 mono at a rate of any sound, or film with sound, that FFmpeg reads, or a take."""
    if path.suffix.lower() == TAKE:
        heard = take_sound.mixed(path)
        return sound.Thirds()(heard) if rate_hz == speech.RATE_HZ else heard
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
    """What file and microphone share: a FACE stream, and a head for a voice that is alone.

    id      what a take calls it, as no other of the stage is called
    said    curves that were new at this tick, where nobody can work them out again
    """

    def __init__(self, name: str, options: Options) -> None:
        self.id = self.name = name
        self.face = Voice()
        self.skeleton, self.heard_ns = NECK_AND_HEAD, 0
        self.said: Array | None = None
        face = Stream(Kind.FACE, self.face, wearer=options.subject)
        head = Stream(Kind.BODY, self, only_face=True)
        self.streams: tuple[Stream, ...] = (face, head) if options.face else ()

    @property
    def silence(self) -> str:
        return self.notice

    @property
    def notice(self) -> str:
        return ""

    def heard(self, now_s: float) -> Array | None:
        """(K,) the curves that are new at this tick."""
        raise NotImplementedError

    def pieces(self) -> Sequence[Piece]:
        """Sound that was heard since it was asked last, for a take."""
        return ()

    def poll(self, now_s: float) -> list[Packet]:
        """Curves into `face`; never waits."""
        packets = []
        if (curves := self.heard(now_s)) is not None:
            self.face.take(curves, now_s)
            self.heard_ns = time.monotonic_ns()
            rest = NECK_AND_HEAD.rest_positions.copy()
            packets.append(Packet(now_s, rest, rotation.identity(2), tick_s=now_s))
        self.face.advance(now_s)
        return packets if self.streams else []

    def figures(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        pass


class SoundFile(VoiceSource):
    """A file's voice; its curves are worked out when it is opened."""

    def __init__(self, path: Path, name: str, options: Options) -> None:
        super().__init__(name, options)
        heard = read(path)
        if len(heard) < speech.FRAME_S * speech.RATE_HZ:
            raise UnderstudyError(f"{path.name} is too short to hold a word.")
        self._rows = speech.of_sound(heard * options.gain) if options.face else None
        self._loop, self._begin_s, self._begin_ns = options.loop, float("nan"), 0
        self._path = path
        self._samples: sound.Samples = np.zeros(0, np.int16)
        self._now_s, self._given = 0.0, -1
        self._loading = threading.Thread(target=self._load, name="sound", daemon=True)

    def heard(self, now_s: float) -> Array | None:
        self._now_s = now_s
        if np.isnan(self._begin_s):
            self._begin_s, self._begin_ns = now_s, time.monotonic_ns()
        if self._rows is None:
            return None
        at = (now_s - self._begin_s - speech.MIDDLE_S) / speech.FRAME_S
        if not self._loop and at >= len(self._rows):
            return None
        # Between two frames, so that 120 ticks a second move evenly.
        one, share = divmod(max(at, 0.0), 1.0)
        a, b = (self._rows[int(one + k) % len(self._rows)] for k in (0, 1))
        return (a + np.float32(share) * (b - a)).astype(np.float32)

    def _load(self) -> None:
        with contextlib.suppress(UnderstudyError):  # it was there a moment ago
            self._samples = sound.pcm(read(self._path, sound.RATE_HZ))

    def pieces(self) -> Sequence[Piece]:
        """From the sample that was on when it was asked last to the one that is on now."""
        now = int((self._now_s - self._begin_s) * sound.RATE_HZ)
        if self._given < 0:  # whoever records nothing needs no samples
            self._given = now
            self._loading.start()
        first = max(self._given, now - round(KEPT_S * sound.RATE_HZ))
        if now <= first or not len(self._samples):
            return ()
        self._given = now
        at = np.arange(first, now if self._loop else min(now, len(self._samples)))
        if not len(at):
            return ()
        data = self._samples[at % len(self._samples)].tobytes()
        return (Piece(self.id, self._begin_ns + round(first * 1e9 / sound.RATE_HZ), data),)


class MicrophoneVoice(VoiceSource):
    """A microphone's voice, 60 ms after it is heard; its sound is worked on by a thread."""

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)
        self._sound: queue.SimpleQueue[Array | None] = queue.SimpleQueue()
        self._kept: deque[Piece] = deque(maxlen=round(KEPT_S / BLOCK_S))
        self._latest: Array | None = None
        self._loudest = 0
        self._listens = options.face
        self._device = Microphone(options.device, self._come)
        if self._listens:
            self._listener, self._gain = speech.Listener(), options.gain
            threading.Thread(target=self._listen, name="voice", daemon=True).start()

    def _come(self, samples: Array, at_ns: int) -> None:
        self._loudest = max(int(np.abs(samples).max(initial=0)), int(0.9 * self._loudest))
        self._kept.append(Piece(self.id, at_ns, samples.tobytes(), self._device.rate_hz))
        if self._listens:
            self._sound.put(samples)

    def _listen(self) -> None:
        wide = self._device.rate_hz == sound.RATE_HZ
        fewer: Callable[[Array], Array] = sound.Thirds() if wide else lambda samples: samples
        loud = np.float32(self._gain / 32768.0)
        while (samples := self._sound.get()) is not None:
            rows = self._listener.hear(fewer(samples * loud))
            if rows:
                self._latest = rows[-1]

    def heard(self, now_s: float) -> Array | None:
        self.said, self._latest = self._latest, None
        return self.said

    def pieces(self) -> Sequence[Piece]:
        return [self._kept.popleft() for _ in range(len(self._kept))]

    @property
    def notice(self) -> str:
        return self._device.notice

    def figures(self) -> Mapping[str, Any]:
        level_db = 20.0 * np.log10(max(self._loudest, 1) / 32768.0)
        return {"level_db": round(float(level_db), 1), "lost": self._device.lost}

    def close(self) -> None:
        self._device.close()
        self._sound.put(None)


def is_microphone(endpoint: Endpoint) -> bool:
    """Whether a line means a microphone, and no file."""
    path = Path(endpoint.path)  # a session has absolute paths
    return path.name == MICROPHONE and not path.exists()


def opened(endpoint: Endpoint, name: str) -> VoiceSource:
    """The source of a line: a file, or a microphone where it is called that."""
    options: Options = endpoint.options
    if is_microphone(endpoint):
        return MicrophoneVoice(name, options)
    return SoundFile(Path(endpoint.path), name, options)


VOICE = Local(Options, opened, True, (Kind.FACE, Kind.BODY))

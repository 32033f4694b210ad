"""Vicon's DataStream SDK as a receiver: its frames as the messages that the source hears.

The SDK is Vicon's own and on no package index; its Python module `vicon_dssdk` comes with it. A
thread waits for its frames, since its calls wait, and the loop takes what is there.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import Any

import numpy as np

from understudy.bridge.protocols import vicon
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError

from .datagrams import Datagram, Due, Heard

# A connection that failed is tried again after so long; of what nobody takes the oldest is lost.
AGAIN_S, MOST_WAITING = 1.0, 512
MODELS_S = 1.0


def module() -> Any:
    """Vicon's module; raises the sentence where it is not there."""
    try:
        from vicon_dssdk import ViconDataStream
    except ImportError:
        raise UnderstudyError(
            "vicon://?sdk= needs the Python module vicon_dssdk of Vicon's DataStream SDK, which "
            "Vicon gives to its customers: install the SDK, then pip install its folder "
            "Python/vicon_dssdk. Without it Tracker's UDP object stream is heard."
        ) from None
    return ViconDataStream


def where(server: str) -> str:
    """The place in words."""
    return f"Vicon's SDK at {server}"


class SdkPort:
    """A `datagrams.Receiver`. trouble: why nothing comes, "" for nothing."""

    def __init__(
        self, server: str, heard: Heard | None = None, due: Due | None = None, sdk: Any = None
    ) -> None:
        self._sdk, self._server, self._tell = sdk or module(), server, heard
        self._due = due or Due()
        self.where, self.trouble = where(server), ""
        self.tick_ns = 0
        self._now_s, self._heard = float("nan"), list[Datagram]()
        self._came: queue.SimpleQueue[tuple[bytes, int]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vicon sdk", daemon=True)
        self._thread.start()

    def poll(self, now_s: float) -> list[Datagram]:
        """The messages that came since the tick before."""
        if now_s != self._now_s:
            self._now_s, self.tick_ns = now_s, self._due.ns(now_s)
            peer = (self._server, vicon.SDK_PORT)
            came = [self._came.get() for _ in range(self._came.qsize())]
            self._heard = [Datagram(data, peer, min(at, self.tick_ns)) for data, at in came]
            if self._tell is not None:
                self._tell(self.where, self.tick_ns, self._heard)
        return self._heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """The SDK asks by itself."""

    def close(self) -> None:
        self._ended.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        while not self._ended.is_set():
            client = self._sdk.Client()
            try:
                client.Connect(f"{self._server}:{vicon.SDK_PORT}")
                client.EnableSegmentData()
                with contextlib.suppress(self._sdk.DataStreamException):
                    client.SetStreamMode(self._sdk.Client.StreamMode.EServerPush)
                self.trouble = ""
                self._read(Reader(client, self._sdk.DataStreamException))
            except self._sdk.DataStreamException as error:
                self.trouble = str(error) or type(error).__name__
            finally:
                with contextlib.suppress(Exception):
                    client.Disconnect()
            self._ended.wait(AGAIN_S)

    def _read(self, reader: Reader) -> None:
        while not self._ended.is_set() and reader.connected:
            for said in reader.next():
                while self._came.qsize() >= MOST_WAITING:
                    self._came.get()
                self._came.put((vicon.message(said), time.monotonic_ns()))


class Reader:
    """What a client of the SDK says, frame by frame."""

    def __init__(self, client: Any, refused: type[Exception]) -> None:
        self._client, self._refused = client, refused
        self._known: dict[str, tuple[str, ...]] = {}
        self._said_s = float("-inf")

    @property
    def connected(self) -> bool:
        return bool(self._client.IsConnected())

    def next(self) -> list[vicon.Model | vicon.Frame]:
        """Waits for a frame; its poses, and before them what is new of their models."""
        client = self._client
        if not client.GetFrame():
            return []
        again = time.monotonic() - self._said_s > MODELS_S
        if again:
            self._said_s = time.monotonic()
        found: list[vicon.Model | vicon.Frame] = []
        poses = []
        for subject in client.GetSubjectNames()[: vicon.MOST_SUBJECTS]:
            names = tuple(client.GetSegmentNames(subject)[: vicon.MOST_SEGMENTS])
            if not names:
                continue
            if again or self._known.get(subject) != names:
                self._known[subject] = names
                found.append(self._model(subject, names))
            poses.append(self._pose(subject, names))
        latency_s = self._number(client.GetLatencyTotal)
        rate_hz = self._number(client.GetFrameRate)
        return [*found, vicon.Frame(int(client.GetFrameNumber()), rate_hz, latency_s, poses)]

    def _number(self, ask: Any) -> float:
        """A number that some servers do not have."""
        try:
            return float(ask())
        except self._refused:
            return 0.0

    def _model(self, subject: str, names: tuple[str, ...]) -> vicon.Model:
        client, parents = self._client, []
        at, turns = np.zeros((len(names), 3)), rotation.identity(len(names))
        for n, name in enumerate(names):
            try:
                parents.append(names.index(client.GetSegmentParentName(subject, name)))
            except (self._refused, ValueError):  # a root has none
                parents.append(-1)
            with contextlib.suppress(self._refused):
                at[n] = client.GetSegmentStaticTranslation(subject, name)
                turns[n] = client.GetSegmentStaticRotationQuaternion(subject, name)
        return vicon.Model(subject, list(names), parents, vicon.packed(at * 1e-3, turns))

    def _pose(self, subject: str, names: tuple[str, ...]) -> vicon.Pose:
        client, seen = self._client, bytearray(len(names))
        at, turns = np.zeros((len(names), 3)), rotation.identity(len(names))
        for n, name in enumerate(names):
            try:
                at[n], gone = client.GetSegmentLocalTranslation(subject, name)
                turns[n], lost = client.GetSegmentLocalRotationQuaternion(subject, name)
                seen[n] = not (gone or lost)
            except self._refused:
                continue
        return vicon.Pose(subject, vicon.packed(at * 1e-3, turns), bytes(seen))

"""Vicon's Python module as its SDK has it, with a body and a wand in it: for tests."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from understudy.bridge.protocols import axes
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array


class DataStreamException(Exception):
    """What the SDK raises."""


class Client:
    """One client. poses: (positions, rotations) of frames of PERFORMER; unseen: names of joints."""

    StreamMode = SimpleNamespace(EClientPull=0, EServerPush=2)
    poses: ClassVar[list[tuple[Array, Array]]] = []
    unseen: ClassVar[set[str]] = set()
    refuses = ""

    def __init__(self) -> None:
        self._row, self._connected = -1, False

    def Connect(self, host: str) -> None:
        if self.refuses:
            raise DataStreamException(self.refuses)
        self._connected = True

    def Disconnect(self) -> None:
        self._connected = False

    def IsConnected(self) -> bool:
        return self._connected

    def EnableSegmentData(self) -> None:
        """Segments are all there is."""

    def SetStreamMode(self, mode: int) -> None:
        """Frames come when they come."""

    def GetFrame(self) -> bool:
        if self._row + 1 >= len(self.poses):
            time.sleep(0.002)
            return False
        self._row += 1
        return True

    def GetFrameNumber(self) -> int:
        return 100 + self._row

    def GetFrameRate(self) -> float:
        return 100.0

    def GetLatencyTotal(self) -> float:
        return 0.006

    def GetSubjectNames(self) -> list[str]:
        return ["Ann", "Wand"]

    def GetSegmentNames(self, subject: str) -> list[str]:
        return list(PERFORMER.names) if subject == "Ann" else ["Wand"]

    def GetSegmentParentName(self, subject: str, segment: str) -> str:
        up = -1 if subject == "Wand" else PERFORMER.parents[PERFORMER.index(segment)]
        if up < 0:
            raise DataStreamException("no parent")
        return PERFORMER.names[up]

    def GetSegmentStaticTranslation(self, subject: str, segment: str) -> tuple[float, ...]:
        return self._said(PERFORMER.rest_positions, PERFORMER.rest_rotations, subject, segment)[0]

    def GetSegmentStaticRotationQuaternion(self, subject: str, segment: str) -> tuple[float, ...]:
        return self._said(PERFORMER.rest_positions, PERFORMER.rest_rotations, subject, segment)[1]

    def GetSegmentLocalTranslation(self, subject: str, segment: str) -> tuple[tuple, bool]:
        return self._said(*self.poses[self._row], subject, segment)[0], segment in self.unseen

    def GetSegmentLocalRotationQuaternion(self, subject: str, segment: str) -> tuple[tuple, bool]:
        return self._said(*self.poses[self._row], subject, segment)[1], segment in self.unseen

    @staticmethod
    def _said(at: Array, turns: Array, subject: str, segment: str) -> tuple[tuple, tuple]:
        """In Vicon's axes and millimetres; a wand is where the body's root is."""
        row = 0 if subject == "Wand" else PERFORMER.index(segment)
        theirs_p, theirs_r = axes.to_z_up(np.asarray(at, float), np.asarray(turns, float))
        return tuple(1e3 * theirs_p[row]), tuple(theirs_r[row])


ViconDataStream = SimpleNamespace(Client=Client, DataStreamException=DataStreamException)

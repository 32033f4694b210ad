"""A live stage, over UDP, on a skeleton in Godot: bone by bone what the stage published."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from understudy.bridge import Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.processes import end, start
from understudy.runtime.outputs.body import body
from understudy.runtime.retarget.retarget import t_pose

from .engine import ROOT, Godot
from .words import miss, random_turns, rows

pytestmark = pytest.mark.clients


@contextmanager
def relayed(godot: Godot) -> Iterator[int]:
    """A UDP port whose datagrams go to the receiver's socket for as long as the block lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        port.settimeout(0.1)
        over = threading.Event()

        def relay() -> None:
            while not over.is_set():
                try:
                    godot.give([port.recv(65535)])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=relay)
        thread.start()
        try:
            yield port.getsockname()[1]
        finally:
            over.set()
            thread.join()


def test_bones_stand_within_a_tenth_of_a_millimetre_and_a_twentieth_of_a_degree(godot, capsys):
    with StageProcess("--pad", ROOT / "demos/pads/walk-circles.toml", "--no-realtime") as stage:
        with Subscriber(stage.publish, timeout_s=30) as subscriber:
            frame = next(subscriber)
            skeleton = frame.subjects[0].skeleton
            at, turned = t_pose(skeleton)
            joints = body(skeleton).joints
            for own in (
                np.tile(rotation.identity(), (len(skeleton), 1)),
                random_turns(len(skeleton), 3),
            ):
                godot.ask(
                    "rig",
                    rows(skeleton.names, skeleton.parents, at, rotation.multiply(turned, own)),
                )
                godot.ask("receiver", {"interpolate": False, "lost_after_s": 1.0}, True)
                godot.ask("watch")
                frames: list[Frame] = []
                with relayed(godot) as port:
                    sender = start(
                        *("send", "--from", stage.publish, "--to"),
                        f"vmc://127.0.0.1:{port}?dialect=godot",
                    )
                    try:
                        while len(poses := godot.ask("watched")) < 60:
                            frames += [next(subscriber) for _ in range(10)]
                    finally:
                        end([sender])
                godot.ask("wait_for", "LOST")
                worst_m, worst_rad = compare(skeleton, joints, own, poses, frames)
                with capsys.disabled():
                    print(f"\n{1e3 * worst_m:.4f} mm, {np.degrees(worst_rad):.5f} degrees at most")


def compare(skeleton, joints, own, poses, frames) -> tuple[float, float]:
    """Each pose shown against the frame of the stage that has its hips; the worst of them."""
    hips = np.array([frame.subjects[0].pose.positions[0] for frame in frames])
    walked, worst_m, worst_rad = [], 0.0, 0.0
    for _, bones in poses:
        far = np.linalg.norm(hips - np.array(bones[joints[0]][0]), axis=1)
        nearest = int(far.argmin())
        if far[nearest] > 1e-3:  # shown before or after what we heard
            continue
        pose = frames[nearest].subjects[0].pose
        world_p, world_r = skeleton.globals(pose.positions, pose.rotations)
        miss_m, miss_rad = miss(bones, world_p, rotation.multiply(world_r, own))
        assert miss_m[joints].max() < 1e-4, skeleton.names[joints[miss_m[joints].argmax()]]
        assert miss_rad[joints].max() < np.radians(0.05)
        worst_m = max(worst_m, miss_m[joints].max())
        worst_rad = max(worst_rad, miss_rad[joints].max())
        walked.append(world_p[0])
    assert len(walked) >= 20
    assert np.ptp(np.array(walked), axis=0).max() > 0.05  # it does walk
    return worst_m, worst_rad

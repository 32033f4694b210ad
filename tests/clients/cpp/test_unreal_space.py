"""Our axes into Unreal's: by hand, and by a mirror matrix that knows nothing of quaternions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from understudy.bridge import Publisher
from understudy.runtime.core import rotation
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.pose import Camera, Frame, Pose, Subject
from understudy.runtime.core.skeleton import Skeleton

pytestmark = pytest.mark.clients

H = np.sqrt(0.5)
# Each worked out by hand. Ours: +X is the character's left, +Y up, +Z forward. Unreal's: +X
# forward, +Y right, +Z up, centimetres; and with +90 degrees about an axis, Z turns X to Y, Y turns
# Z to X
# and X turns Y to Z, as the same formulas have it in either hand.
JOINTS = {
    # name: our position, our rotation, Unreal's position, Unreal's rotation
    "forward": ((0, 0, 1), (0, 0, 0, 1), (100, 0, 0), (0, 0, 0, 1)),
    "left": ((1, 0, 0), (0, 0, 0, 1), (0, -100, 0), (0, 0, 0, 1)),
    "up": ((0, 1, 0), (0, 0, 0, 1), (0, 0, 100), (0, 0, 0, 1)),
    # about up, forward goes left: Unreal's X goes to -Y, -90 degrees about Z
    "turned left": ((0, 0, 0), (0, H, 0, H), (0, 0, 0), (0, 0, -H, H)),
    # about left, up goes forward, a bow: Unreal's Z goes to X, +90 degrees about Y
    "bowed": ((0, 0, 0), (H, 0, 0, H), (0, 0, 0), (0, H, 0, H)),
    # about forward, left goes up: Unreal's -Y goes to Z, -90 degrees about X
    "leaning right": ((0, 0, 0), (0, 0, H, H), (0, 0, 0), (-H, 0, 0, H)),
    "not of unit length": ((0, 0, 0), (0, 2, 0, 0), (0, 0, 0), (0, 0, -1, 0)),
}
CAMERAS = {
    # ours looks along its -Z, Unreal's along its +X; both have their up where it belongs
    "backwards": ((0, 0, 0, 1), (0, 0, 1, 0)),
    "forwards": ((0, 1, 0, 0), (0, 0, 0, 1)),
    # -90 degrees about up takes -Z to +X, to the left: Unreal's -Y, -90 degrees about Z
    "to the left": ((0, -H, 0, H), (0, 0, -H, H)),
    # half a turn about up, then about left: the look goes from forward to up, so the camera that
    # looked forward looks up: -90 degrees about Unreal's Y
    "to the sky": (
        rotation.multiply(np.array([-H, 0, 0, H]), np.array([0, 1.0, 0, 0])),
        (0, -H, 0, H),
    ),
}
# (x, y, z) of ours is (z, -x, y) of Unreal's.
MIRROR = np.array([[0.0, 0, 1], [-1, 0, 0], [0, 1, 0]])


@contextmanager
def playing(frame: Frame) -> Iterator[str]:
    """The address of a publisher that sends this frame again and again."""
    done = threading.Event()
    with Publisher("tcp://127.0.0.1:*") as publisher:

        def play() -> None:
            for _ in Clock(100.0).ticks():
                if done.is_set():
                    break
                publisher.publish(frame)

        thread = threading.Thread(target=play)
        thread.start()
        try:
            yield publisher.address
        finally:
            done.set()
            thread.join()


def stage_of(positions: np.ndarray, rotations: np.ndarray, cameras: list[Camera]) -> Frame:
    count = len(positions)
    skeleton = Skeleton(
        tuple(f"joint {i}" for i in range(count)), np.arange(count) - 1, np.zeros((count, 3))
    )
    subject = Subject("Ann", skeleton, Pose(positions, rotations))
    return Frame(
        sequence=1,
        capture_ns=0,
        publish_ns=0,
        rate_num=25,
        rate_den=1,
        timecode="00:00:00:00",
        subjects=[subject],
        cameras=cameras,
    )


def turned(quaternions: np.ndarray) -> np.ndarray:
    """(N, 3, 3) matrices of (N, 4) unit quaternions."""
    axes = np.broadcast_to(np.eye(3), (len(quaternions), 3, 3))
    return np.swapaxes(rotation.rotate(quaternions[:, None], axes), 1, 2)


def same_rotation(got: np.ndarray, wanted: np.ndarray) -> None:
    """A quaternion and its negative are one rotation."""
    got = got * np.sign(np.sum(got * wanted, -1, keepdims=True))
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_cases_worked_out_by_hand(probe):
    ours_p, ours_r, unreal_p, unreal_r = map(np.array, zip(*JOINTS.values()))
    cameras = [
        Camera(name, np.array([1.0, 2, 3]), np.array(ours, float), 50.0, (36.0, 24.0), 4.0, 2.8)
        for name, (ours, _) in CAMERAS.items()
    ]
    frame = stage_of(ours_p.astype(float), ours_r.astype(float), cameras)
    with playing(frame) as address, probe(address, "--frames", 1) as client:
        (got,), _, _ = client.finish()
    joints = np.array(got["subjects"][0]["unreal"])
    np.testing.assert_allclose(joints[:, :3], unreal_p, atol=1e-6)
    same_rotation(joints[:, 3:], unreal_r)
    for camera, (_, wanted) in zip(got["cameras"], CAMERAS.values(), strict=True):
        placed = np.array(camera["unreal"])
        np.testing.assert_allclose(placed[:3], (300, -100, 200))
        same_rotation(placed[3:], np.array(wanted, float))
        assert camera["lens"] == [50, 36, 24, 4, pytest.approx(2.8)]
        assert camera["fov_deg"] == pytest.approx(39.5977527)  # of a 50 mm lens on full frame


def test_any_rotation_is_the_mirrored_matrix(probe):
    chance = np.random.default_rng(3)
    quaternions = chance.normal(size=(200, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    positions = chance.normal(size=(200, 3))
    cameras = [Camera(f"{i}", positions[i], quaternions[i], 35.0) for i in range(50)]
    frame = stage_of(positions, quaternions, cameras)
    with playing(frame) as address, probe(address, "--frames", 1) as client:
        (got,), _, _ = client.finish()
    joints = np.array(got["subjects"][0]["unreal"])
    np.testing.assert_allclose(joints[:, :3], 100 * positions @ MIRROR.T, rtol=1e-6, atol=1e-5)
    wanted = MIRROR @ turned(quaternions) @ MIRROR.T
    np.testing.assert_allclose(turned(joints[:, 3:]), wanted, atol=2e-6)
    # A camera's look, its -Z, and its up, its +Y, are Unreal's +X and +Z.
    placed = turned(np.array([camera["unreal"][3:] for camera in got["cameras"]]))
    ours = turned(quaternions[:50])
    np.testing.assert_allclose(placed[:, :, 0], -ours[:, :, 2] @ MIRROR.T, atol=2e-6)
    np.testing.assert_allclose(placed[:, :, 2], ours[:, :, 1] @ MIRROR.T, atol=2e-6)

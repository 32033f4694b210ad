"""The components in a scene of stand-ins: what they make of a live stage, bone by bone.

The stand-ins are ours (stubs/UnityEngine.cs): this shows that our code binds, retargets and moves
as it should, not that it compiles against Unity.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import zmq
from scipy.spatial.transform import Rotation

from understudy.bridge import Subscriber
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton

from .messages import frame_with_curves, skeletons_with_curves
from .mono import PACKAGE, Client, raw

pytestmark = pytest.mark.clients

MIRROR = np.diag([-1.0, 1.0, 1.0])
PLACE = np.array([3.0, 0.5, -2.0])
TURN = Rotation.from_euler("y", 40, degrees=True)
OWN = Rotation.from_euler("xyz", [20, 130, -75], degrees=True)


def build_scene(client: Client, address: str, interpolate: bool = False) -> None:
    tree = PERFORMER
    rest = np.concatenate(
        (tree.rest_positions * [-1, 1, 1], tree.rest_rotations * [1, -1, -1, 1]), axis=1
    )
    own = (OWN.as_quat(), PLACE, TURN.as_quat())
    client.ask(
        *("scene", address, int(interpolate), ",".join(tree.names)),
        *(",".join(map(str, tree.parents)), raw(rest), raw(*own)),
    )


def expected(skeleton: Skeleton, pose) -> tuple[np.ndarray, list[Rotation]]:
    """Where the joints are in the scene's world: mirrored, and moved by the character's root."""
    world_p, world_q = skeleton.globals(np.float64(pose.positions), np.float64(pose.rotations))
    matrices = Rotation.from_quat(world_q).as_matrix()
    turns = [TURN * Rotation.from_matrix(MIRROR @ m @ MIRROR) for m in matrices]
    return PLACE + TURN.apply(world_p @ MIRROR), turns


def test_bones_stand_within_a_tenth_of_a_millimetre_and_a_twentieth_of_a_degree(client, stage):
    build_scene(client, stage.address)
    ours: dict[int, object] = {}
    theirs = []
    with Subscriber(stage.address, timeout_s=30) as python:
        assert client.ask("step", 5000)["sequence"] is not None
        while len({step["sequence"] for step in theirs}) < 12:
            frame = next(python)  # the stage's own pace, once what waited is read
            ours[frame.sequence] = frame
            theirs.append(client.ask("step", 1))
        while max(ours) < theirs[-1]["sequence"]:
            frame = next(python)
            ours[frame.sequence] = frame
    client.ask("scene_off")
    compared = [step for step in theirs if step["sequence"] in ours]
    assert len({step["sequence"] for step in compared}) >= 6
    human = sorted(roles(PERFORMER).values())
    for step in compared:
        positions, turns = expected(PERFORMER, ours[step["sequence"]].subjects[0].pose)
        for rig, own, bones in (
            ("named", Rotation.identity(), range(len(PERFORMER))),
            ("human", OWN, human),
        ):
            for j in bones:
                miss_m = np.linalg.norm(step[rig]["positions"][j] - positions[j])
                assert miss_m < 1e-4, (rig, PERFORMER.names[j])
                got = Rotation.from_quat(step[rig]["rotations"][j])
                miss_rad = (got.inv() * turns[j] * own).magnitude()
                assert miss_rad < np.radians(0.05), (rig, PERFORMER.names[j])
    last = theirs[-1]
    assert last["state"] == "Live"
    assert 0 < last["age_s"] < 60  # one clock on one machine
    assert last["bones"] == [len(PERFORMER), len(human)]
    assert "timecode" in last["status"] and "lost 0" in last["status"]
    assert any("Connected" in sentence for sentence in last["said"])


def test_a_display_faster_than_the_stage_sees_motion_in_every_frame(client, stage):
    build_scene(client, stage.address, interpolate=True)
    assert client.ask("step", 5000)["sequence"] is not None
    times = [client.ask("step", 1)["time_ns"] for _ in range(200)]
    client.ask("scene_off")
    assert np.all(np.diff(times) >= 0)
    assert len(set(times)) > 150  # many more than the stage's ticks in that time


def test_after_a_second_in_which_unity_drew_nothing_the_pose_is_two_ticks_old_at_most(
    client, stage
):
    build_scene(client, stage.address)
    with Subscriber(stage.address, newest=True, timeout_s=30) as python:
        assert client.ask("step", 5000)["sequence"] is not None
        start = next(python).sequence
        while (before := next(python).sequence) < start + 60:
            pass
        assert client.ask("step", 1)["sequence"] >= before - 2
    client.ask("scene_off")


def test_without_a_stage_it_says_why(client):
    build_scene(client, "tcp://127.0.0.1:9")
    step = client.ask("step", 150)
    client.ask("scene_off")
    assert step["sequence"] is None and step["state"] == "Lost"
    assert "127.0.0.1:9" in step["status"] and step["reason"] == step["status"]


def test_a_wrong_address_is_said_in_the_console(client):
    build_scene(client, "localhost")
    step = client.ask("step", 1)
    assert "is not an address" in step["said"][0] and "is not an address" in step["status"]


def test_face_and_lens(client):
    """jawOpen finds face.jaw_Open, `smile` is no curve of the stage's and stays alone."""
    lens = [35.0, 36.0, 24.0, 2.5, 2.8]
    with zmq.Context.instance().socket(zmq.XPUB) as raw_socket:
        raw_socket.linger = 0
        raw_socket.bind("tcp://127.0.0.1:*")
        build_scene(client, raw_socket.last_endpoint.decode())
        assert raw_socket.poll(30000)
        raw_socket.recv()
        names = ["browInnerUp", "jawOpen"]
        raw_socket.send(skeletons_with_curves(PERFORMER, names, 77))
        raw_socket.send(frame_with_curves(PERFORMER, [0.25, 0.5], 77, [*lens, 1.0, 2.0, 3.0]))
        step = client.ask("step", 5000)
    client.ask("scene_off")
    assert step["curves"].tolist() == [50.0, -1.0, 25.0]
    np.testing.assert_allclose(step["lens"], lens, rtol=1e-6)
    np.testing.assert_allclose(step["camera"]["positions"][0], [-1, 2, 3])
    # It looks along the stage's -Z, which is Unity's: half a turn from Unity's own +Z.
    forward = Rotation.from_quat(step["camera"]["rotations"][0]).apply([0, 0, 1])
    np.testing.assert_allclose(forward, [0, 0, -1], atol=1e-6)


# ---------------------------------------------------------------------------- the package


def test_every_file_of_the_package_has_a_meta_of_its_own():
    """Unity leaves out files without one in a package that it may not write to."""
    paths = [
        path
        for path in PACKAGE.rglob("*")
        if path.suffix != ".meta" and not any(part.endswith("~") for part in path.parts)
    ]
    guids = {}
    for path in paths:
        meta = path.with_name(path.name + ".meta")
        assert meta.is_file(), f"no {meta.relative_to(PACKAGE)}"
        guid = meta.read_text().split("guid: ")[1].split()[0]
        assert len(guid) == 32 and int(guid, 16)
        assert guid not in guids, f"{path} and {guids[guid]} have one guid"
        guids[guid] = path
    for meta in PACKAGE.rglob("*.meta"):
        assert meta.with_suffix("").exists(), f"{meta} belongs to nothing"


def test_the_assemblies_see_what_they_should():
    package = json.loads((PACKAGE / "package.json").read_text())
    assert package["unity"] == "2021.3"
    found = {json.loads(p.read_text())["name"]: p for p in PACKAGE.rglob("*.asmdef")}
    core = json.loads(found["Understudy.Core"].read_text())
    assert core["noEngineReferences"] is True and core["references"] == []
    assert json.loads(found["Understudy.Editor"].read_text())["includePlatforms"] == ["Editor"]
    for path in (PACKAGE / "Runtime" / "Core").glob("*.cs"):
        assert "UnityEngine;" not in path.read_text(), path
    for sample in package["samples"]:
        assert (PACKAGE / sample["path"]).is_dir()

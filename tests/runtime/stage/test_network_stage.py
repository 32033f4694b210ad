"""Stages that hear others: real processes, real sockets, our senders and foreign ones."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pylivelinkface import FaceBlendShape, PyLiveLinkFace
from pythonosc.udp_client import SimpleUDPClient

from tests.conftest import FREE_PORTS, sentence
from tests.runtime.outputs import things
from tests.runtime.outputs.things import HALF, HEAD, to
from tests.runtime.sources.receivers import TICK_S, free_udp_ports
from understudy.bridge import ControlClient, Publisher, Subscriber
from understudy.bridge.protocols import livelinkface, rokoko, vmc
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import processes, rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Camera, Frame, Pose, State, Subject
from understudy.runtime.outputs.sender import Output
from understudy.runtime.sources.devices import vmc_skeleton
from understudy.runtime.stage.loop import Run, Stage
from understudy.runtime.stage.session import session_of
from understudy.runtime.takes import bvh

PATIENCE_S = 30.0


def until(stream: Iterator[Frame], wanted: Callable[[Frame], bool]) -> list[Frame]:
    """The frames up to the one that is wanted."""
    frames: list[Frame] = []
    end_s = time.monotonic() + PATIENCE_S
    for frame in stream:
        frames.append(frame)
        if wanted(frame):
            return frames
        if time.monotonic() > end_s:
            break
    told = [(s.name, s.state.name, s.reason) for s in frames[-1].subjects]
    raise AssertionError(f"It did not come within {PATIENCE_S:g} s; at last {told}.")


def live(frame: Frame) -> bool:
    return frame.subjects[0].state is State.LIVE


@pytest.fixture
def sending() -> Iterator[Callable]:
    """Starts `understudy send` from an address to URLs; all end with the test."""
    children = []

    def start(address: str, *urls: str):
        words = [word for url in urls for word in ("--to", url)]
        children.append(processes.start("send", "--from", address, *words))
        return children[-1]

    yield start
    processes.end(children)


# One stage to another over VMC, bone by bone.


def joints(subject: Subject) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """World positions and rotations of the joints that have roles, in the order of the roles."""
    found = roles(subject.skeleton)
    names = sorted(set(found) & set(roles(PERFORMER)))
    at, turned = subject.skeleton.globals(
        subject.pose.positions.astype(float), subject.pose.rotations.astype(float)
    )
    rows = [found[name] for name in names]
    return at[rows], turned[rows], names


def test_a_pose_that_went_from_stage_to_stage_is_the_same_bone_by_bone(sending, pad):
    """What stage B shows is a frame of stage A that was published at about that time."""
    (port,) = free_udp_ports(1)
    with (
        StageProcess("--pad", pad) as a,
        StageProcess("--from", f"vmc://:{port}?name=ann&delay=0") as b,
    ):
        with Subscriber(b.publish, timeout_s=10) as heard:
            came = iter(heard)
            first = next(came).subjects[0]
            assert (first.name, first.state) == ("ann", State.HOLD)
            assert f"nothing has come on udp {port} yet" in first.reason
            sending(a.publish, f"vmc://127.0.0.1:{port}")
            until(came, live)
            with Subscriber(a.publish, timeout_s=10) as sent:
                before = [frame for frame, _ in zip(sent, range(90))]
            after = until(came, lambda f: f.publish_ns > before[-1].publish_ns)
    tracks = [joints(frame.subjects[0]) for frame in before]
    compared = 0
    for frame in after:
        (subject,) = frame.subjects
        if subject.state is not State.LIVE:
            continue
        at, turned, names = joints(subject)
        if not before[0].publish_ns < subject.capture_ns < before[-1].publish_ns:
            continue
        # It walks: of all poses that were sent only its own is this near.
        gaps = [np.abs(at - one[0]).max() for one in tracks]
        nearest = int(np.argmin(gaps))
        assert abs(before[nearest].publish_ns - subject.capture_ns) < 0.5e9
        assert names == tracks[nearest][2] and len(names) == 22
        gap = rotation.multiply(rotation.conjugate(turned), tracks[nearest][1])
        assert gaps[nearest] < 1e-4, f"{1e3 * gaps[nearest]:.3f} mm"
        assert np.degrees(2 * np.linalg.norm(gap[:, :3], axis=-1)).max() < 0.05
        compared += 1
    assert compared >= 30


def in_process(*lines: str, record: Path | None = None, **more) -> Stage:
    """A stage in this process, ticked by the test."""
    anywhere = "tcp://127.0.0.1:*"
    return Stage(session_of(*lines, publish=anywhere, control=anywhere, **more), Run(record=record))


class Performer:
    """Sends a frame of a waving body, a camera and a face to outputs of ours, tick by tick."""

    def __init__(self, *urls: str) -> None:
        self.outputs = [Output(to(url)) for url in urls]
        self.pose, self.camera = Pose.rest(PERFORMER), Camera("A", np.zeros(3), np.zeros(4))

    def send(self, tick: int) -> None:
        self.pose = Pose.rest(PERFORMER)
        turns = np.random.default_rng(3).normal(scale=0.3, size=(22, 3)) * np.sin(0.05 * tick)
        self.pose.rotations = rotation.from_rotation_vector(turns)
        self.pose.positions[0] += (0.01 * tick, 0.0, 0.0)
        self.camera = Camera(
            "A",
            np.array([-1.0, 1.5, 0.01 * tick]),
            rotation.from_euler(np.array([0.01 * tick, 0.2, 0.0]), "YXZ"),
            35.0,
            (36.0, 24.0),
            4.0,
            2.8,
        )
        frame = Frame(
            *(tick, 1, 1, 25, 1, "01:02:03:04"),
            subjects=[Subject("ann", PERFORMER, self.pose)],
            cameras=[self.camera],
        )
        for output in self.outputs:
            output.offer(frame, tick * TICK_S)
            output.send_due(tick * TICK_S)

    def close(self) -> None:
        for output in self.outputs:
            output.close()


@contextlib.contextmanager
def performing(*urls: str) -> Iterator[Performer]:
    with contextlib.closing(Performer(*urls)) as performer:
        yield performer


def test_silence_is_acted_and_handed_back_by_a_real_stage(pad):
    """How soon: `test_silence_is_acted_from_the_tick_on`, where time is the test's own."""
    (port,) = free_udp_ports(1)
    with StageProcess("--from", f"vmc://:{port}") as stage:
        with (
            performing(f"vmc://127.0.0.1:{port}") as ann,
            Subscriber(stage.publish, timeout_s=10) as subscriber,
        ):
            stream, tick = iter(subscriber), itertools.count()

            def send_until(wanted: Callable[[Frame], bool]) -> list[Frame]:
                def sent(frame: Frame) -> bool:
                    ann.send(next(tick))
                    return wanted(frame)

                return until(stream, sent)

            send_until(live)
            lost = until(stream, lambda f: "silent for 0.3" in f.subjects[0].reason)
            assert {f.subjects[0].state for f in lost[-6:]} == {State.TAKEOVER}
            back = send_until(live)
            assert State.HOLD not in {f.subjects[0].state for f in back}


def test_cameras_of_both_protocols_stand_where_they_were_sent_from():
    f, o = free_udp_ports(2)
    lines = f"freed://:{f}?camera=F", f"opentrackio://:{o}?camera=O"
    urls = f"freed://127.0.0.1:{f}", f"opentrackio://127.0.0.1:{o}"
    with in_process(*lines) as stage, Subscriber(stage.publisher.address) as subscriber:
        with performing(*urls) as ann:
            frame, tick = None, 0
            end_s = time.monotonic() + PATIENCE_S
            while (frame is None or len(frame.cameras) < 2) and time.monotonic() < end_s:
                ann.send(200)
                stage.tick(tick)
                tick += 1
                frame = subscriber.receive(0.01) or frame
    assert [camera.name for camera in frame.cameras] == ["F", "O"]
    assert not frame.subjects
    for camera in frame.cameras:
        assert camera.state is State.LIVE
        assert np.abs(camera.position - ann.camera.position).max() < 1e-4
        gap = rotation.multiply(rotation.conjugate(ann.camera.rotation), camera.rotation)
        assert np.degrees(2 * np.linalg.norm(gap[:3])) < 0.01
        assert (camera.focal_mm, camera.sensor_mm) == (35.0, (36.0, 24.0))
        assert camera.focus_m == pytest.approx(4.0) and camera.iris == pytest.approx(2.8)


# Foreign senders.


def test_python_osc_s_performer_stands_on_stage_with_its_fingers_and_its_face():
    (port,) = free_udp_ports(1)
    client = SimpleUDPClient("127.0.0.1", port)
    with StageProcess("--from", f"vmc://:{port}?name=bob") as stage:
        with Subscriber(stage.publish, timeout_s=10) as subscriber:
            stream, number = iter(subscriber), 0
            subject = next(stream).subjects[0]
            end_s = time.monotonic() + PATIENCE_S
            while subject.state is not State.LIVE and time.monotonic() < end_s:
                number += 1
                for name in vmc.BONES:
                    x, y, z = vmc_skeleton._PLACES[name] - (
                        vmc_skeleton._PLACES[vmc_skeleton._PARENTS[name]]
                        if name != "Hips"
                        else np.zeros(3)
                    )
                    at = [-float(x), float(y), float(z)]
                    client.send_message("/VMC/Ext/Bone/Pos", [name, *at, 0.0, 0.0, 0.0, 1.0])
                client.send_message("/VMC/Ext/Blend/Val", ["jawOpen", 0.5])
                client.send_message("/VMC/Ext/Blend/Apply", [])
                client.send_message("/VMC/Ext/T", [number / 60])
                subject = next(stream).subjects[0]
    assert subject.state is State.LIVE
    assert subject.name == "bob" and len(subject.skeleton) == len(vmc.BONES)
    assert "LeftLittleDistal" in subject.skeleton.names
    assert subject.skeleton.curve_names == ("jawOpen",)
    head = joints(subject)[0][joints(subject)[2].index("head")]
    np.testing.assert_allclose(head, PERFORMER.rest_globals[0][PERFORMER.index("Head")], atol=1e-4)


def test_a_phone_gives_its_face_to_a_subject_or_is_one(pad):
    one, two = free_udp_ports(2)
    phone = PyLiveLinkFace(name="Phone")
    phone.set_blendshape(FaceBlendShape.JawOpen, 0.75, True)
    phone.set_blendshape(FaceBlendShape.HeadYaw, 0.25, True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        words = ("--pad", pad, "--from", f"livelinkface://:{one}")
        words += ("--from", f"livelinkface://:{two}?subject=bob")
        with StageProcess(*words) as stage:
            with Subscriber(stage.publish, timeout_s=10) as subscriber:
                worn, alone = None, None
                end_s = time.monotonic() + PATIENCE_S
                for frame in subscriber:
                    for port in (one, two):
                        out.sendto(phone.encode(), ("127.0.0.1", port))
                    worn, alone = frame.subjects
                    jaws = [0.0 if not len(s.curves) else s.curves[17] for s in (worn, alone)]
                    if jaws == [0.75, 0.75] or time.monotonic() > end_s:
                        break
    assert jaws == [0.75, 0.75]
    assert (worn.name, alone.name) == ("pad", "bob")
    assert worn.skeleton.names == PERFORMER.names and worn.skeleton.curve_names[17] == "jawOpen"
    assert alone.skeleton.names == ("Neck", "Head")
    assert alone.skeleton.curve_names == livelinkface.CURVES
    assert np.degrees(2 * np.arctan2(alone.pose.rotations[1][1], alone.pose.rotations[1][3])) == (
        pytest.approx(45.0, abs=0.01)
    )


def test_a_head_alone_by_real_sockets_is_a_body_that_stands_and_goes_out_again():
    there, on = free_udp_ports(2)
    client = SimpleUDPClient("127.0.0.1", there)
    turn, number, subject = [0.0, 0.2474, 0.0, 0.9689], 0, None
    with in_process(f"vmc://:{there}") as stage, Subscriber(stage.publisher.address) as heard:
        with (
            contextlib.closing(Output(to(f"vmc://127.0.0.1:{on}"))) as output,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        ):
            receiver.bind(("127.0.0.1", on))
            receiver.settimeout(PATIENCE_S)
            end_s = time.monotonic() + PATIENCE_S
            while time.monotonic() < end_s:
                client.send_message("/VMC/Ext/Bone/Pos", ["Head", 0.0, 0.1, 0.0, *turn])
                client.send_message("/VMC/Ext/T", [number / 60])
                stage.tick(number)
                number += 1
                if frame := heard.receive(0.01):
                    subject = frame.subjects[0]
                    output.offer(frame, number * TICK_S)
                    output.send_due(number * TICK_S)
                    if subject.state is State.LIVE and "LeftUpperArm" in subject.skeleton.names:
                        break
            said = receiver.recv(65535)
    assert subject is not None and subject.state is State.LIVE
    shown = subject.pose.rotations[subject.skeleton.index("Head")]
    assert abs(abs(shown[1]) - turn[1]) < 1e-3
    # Its sender has a head without a neck; what it lacks altogether is ours.
    assert set(roles(PERFORMER)) - {"neck"} == set(roles(subject.skeleton))
    assert b"/VMC/Ext/Bone/Pos" in said


@pytest.mark.parametrize("line", ["vmc://127.0.0.1:{}", "rokoko://127.0.0.1:{}"])
@pytest.mark.parametrize("skeleton", [HALF, HEAD], ids=["no legs", "a head"])
def test_a_part_of_a_body_goes_out_by_real_sockets(line, skeleton):
    """Its head turns at the other end as it does here, by VMC on another stage."""
    (port,) = free_udp_ports(1)
    pose, turn = Pose.rest(skeleton), rotation.from_yaw(0.5)
    pose.rotations[skeleton.index("Head")] = turn
    frame = things.frame(skeleton)
    frame.subjects = [Subject("Ann", skeleton, pose)]
    with contextlib.closing(Output(to(line.format(port)))) as output, contextlib.ExitStack() as on:
        if line.startswith("rokoko"):
            receiver = on.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            receiver.bind(("127.0.0.1", port))
            receiver.settimeout(PATIENCE_S)
            output.offer(frame, 0.0)
            output.send_due(0.0)
            (actor,) = rokoko.decode(receiver.recv(65535)).actors
            turned = actor.turns[list(rokoko.BONES).index("head")]
            assert rotation.angle_between(turned, turn) < 1e-3
            return
        stage = on.enter_context(in_process(f"vmc://:{port}"))
        heard = on.enter_context(Subscriber(stage.publisher.address))
        end_s, number, subject = time.monotonic() + PATIENCE_S, 0, None
        while time.monotonic() < end_s and (subject is None or subject.state is not State.LIVE):
            output.offer(frame, number * TICK_S)
            output.send_due(number * TICK_S)
            stage.tick(number)
            number += 1
            if (other := heard.receive(0.01)) and "LeftUpperArm" in other.subjects[
                0
            ].skeleton.names:
                subject = other.subjects[0]
    assert subject is not None and subject.state is State.LIVE
    shown = subject.pose.rotations[subject.skeleton.index("Head")]
    assert rotation.angle_between(shown, turn) < 1e-3


# Bad days.


def test_garbage_on_the_ports_is_counted_told_and_harms_nobody(sending, pad):
    ports = free_udp_ports(4)
    names = ("vmc", "freed", "opentrackio", "livelinkface")
    words = [w for n, p in zip(names, ports) for w in ("--from", f"{n}://:{p}")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        with StageProcess("--pad", pad, *words) as stage, ControlClient(stage.control) as client:
            with Subscriber(stage.publish, timeout_s=10) as subscriber:
                stream = iter(subscriber)
                rng = np.random.default_rng(5)
                for _ in range(40):
                    for port in ports:
                        out.sendto(rng.bytes(int(rng.integers(0, 1400))), ("127.0.0.1", port))
                frame = until(
                    stream,
                    lambda f: sum(s["damaged"] for s in client.stats()["sources"]) >= 160,
                )[-1]
                sources = client.stats()["sources"]
                frame = until(stream, lambda f: f.stats.get("damaged_datagrams", 0) >= 160)[-1]
    assert [s["damaged"] for s in sources] == [40] * 4
    assert all(s["fault"] and "cannot be read" in s["notice"] for s in sources)
    assert [s.state for s in frame.subjects] == [State.LIVE, State.HOLD]
    assert not frame.cameras


def test_a_port_that_is_taken_is_one_sentence_that_names_the_program(understudy):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        said = sentence(understudy("stage", *FREE_PORTS, "--from", f"vmc://:{port}"))
    assert str(port) in said and f"process {os.getpid()}" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--from", "vcm://"), "did you mean 'vmc'"),
        (("--from", "vmc://192.0.2.9"), "192.0.2.9"),
        (("--from", "freed://?id=x"), "0 to 255"),
        (("--sources", "missing.toml"), "missing.toml"),
    ],
)
def test_a_source_that_cannot_be_is_one_sentence(understudy, words, expected):
    assert expected in sentence(understudy("stage", *FREE_PORTS, "--seconds", 1, *words))


def test_the_options_of_every_source_are_printed(understudy):
    for command in ("stage", "play"):
        done = understudy(command, "--from", "list")
        assert done.returncode == 0 and "opentrackio://multicast" in done.stdout


# A camera that somebody shares.


def test_a_camera_from_the_control_socket_is_in_the_frames_and_leaves_with_its_sender(pad):
    with StageProcess("--pad", pad) as stage:
        with (
            ControlClient(stage.control) as client,
            Subscriber(stage.publish, timeout_s=10) as subscriber,
        ):
            stream = iter(subscriber)

            def sent(frame: Frame) -> bool:
                client.send_camera("V", (1, 2, 3), (0, 0, 0, 1), 50.0, (24.0, 13.5), 2.0, 4.0)
                return bool(frame.cameras)

            (camera,) = until(stream, sent)[-1].cameras
            assert (camera.name, camera.focal_mm, camera.sensor_mm) == ("V", 50.0, (24.0, 13.5))
            np.testing.assert_array_equal(camera.position, (1, 2, 3))
            gone = until(stream, lambda frame: not frame.cameras)
            assert 100 <= len(gone) <= 140  # ticks of a 60th of a second
            client.send_camera("V", (float("nan"), 0, 0), (0, 0, 0, 1))
            client.send_camera("V", (0, 0, 0), (0, 0, 0, 1), focal_mm=-1.0)
            until(stream, lambda f: client.stats()["control_refused"] >= 2)


def test_nothing_of_a_stage_is_left_listening(tmp_path):
    """What a crew does all day: the same ports again at once."""
    (port,) = free_udp_ports(1)
    for _ in range(2):
        with in_process(f"vmc://:{port}", f"livelinkface://:{port + 1}", takeover=False) as stage:
            stage.tick(0)
    assert isinstance(stage.publisher, Publisher)


@pytest.mark.parametrize(
    ("words", "remote"),
    [
        ((), True),
        (("--from", "freed://"), True),
        (("--from", "freed://", "--from", "vmc://"), False),
        (("--from", "livelinkface://"), False),
    ],
)
def test_play_hands_its_sources_to_its_stage_and_a_pad_where_nobody_else_comes(words, remote):
    import argparse

    from understudy.runtime.cli import play

    parser = argparse.ArgumentParser()
    play.arguments(parser)
    session, _ = play.asked_for(parser.parse_args([*words]))
    lines = [table["from"] for table in session.source]
    assert lines == [*words[1::2], *["remote://"] * remote]


def test_a_take_begins_with_the_sender_s_skeleton(tmp_path):
    """Whoever stands there until the sender comes is no take."""
    (port,) = free_udp_ports(1)
    take = tmp_path / "take.bvh"
    with in_process(f"vmc://:{port}", record=take) as stage:
        with performing(f"vmc://127.0.0.1:{port}") as ann:
            end_s, tick, there = time.monotonic() + PATIENCE_S, 0, 0
            while there < 20 and time.monotonic() < end_s:
                ann.send(tick)
                stage.tick(tick)
                tick += 1
                there += "LeftUpperArm" in stage.cast.solve()[0].skeleton.names
                time.sleep(0.002)
        written = stage.close()
    assert written == [take, take.with_suffix(".mcap")]
    clip = bvh.read(take)
    assert "LeftUpperArm" in clip.skeleton.names and len(clip) == 20 < tick

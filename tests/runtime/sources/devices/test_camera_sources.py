"""FreeD and OpenTrackIO in: whose camera, where, through which lens, and when it falls silent."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.runtime.outputs.things import FORWARD, frame, to
from tests.runtime.sources.receivers import ANN, BOB, TICK_S, source
from understudy.bridge.protocols import freed
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as otp
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, State
from understudy.runtime.outputs.sender import KNOWN
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.tracked import HOLD_AFTER_S, LOST_AFTER_S

TURNED = rotation.from_euler(np.array([2.0, 0.3, 0.1]), "YXZ")
SEEN = Camera("A", np.array([-1.2345, 1.6789, 2.3456]), TURNED, 43.21, (36.0, 24.0), 3.456, 2.8)


def apart(a: Camera, b: Camera) -> tuple[float, float]:
    """Millimetres and degrees between two cameras."""
    turn = rotation.multiply(rotation.conjugate(np.asarray(a.rotation)), b.rotation)
    angle_rad = 2 * np.arctan2(np.linalg.norm(turn[:3]), abs(turn[3]))
    return 1e3 * float(np.abs(a.position - b.position).max()), float(np.degrees(angle_rad))


def placed(camera_source) -> list[tuple[str, float]]:
    """Names of its cameras, and how far to the left each is."""
    return [(c.name, round(float(c.position[0]), 6)) for c in camera_source.cameras]


def sent(scheme: str, camera: Camera = SEEN, **options) -> list[bytes]:
    """What `understudy send` makes of a camera."""
    one = frame()
    one.cameras = [camera]
    output = KNOWN[scheme].OUTPUT(to(f"{scheme}://127.0.0.1", **options))
    return output.datagrams(one, 0.0)


@pytest.mark.parametrize(
    ("scheme", "more"),
    [("freed", {}), ("opentrackio", {}), ("opentrackio", {"encoding": "cbor"})],
)
def test_a_camera_that_we_send_comes_back(scheme, more):
    """FreeD's own steps are 1/64 mm and 1/32768 degree; OpenTrackIO has none."""
    camera_source, receiver = source(f"{scheme}://?camera=B")
    receiver.say(*sent(scheme, **more))
    assert camera_source.poll(0.0) == []
    (got,) = camera_source.cameras
    millimetres, degrees = apart(got, SEEN)
    assert millimetres < 0.1 and degrees < 0.01
    assert got.name == "B" and got.state is State.LIVE and got.capture_ns > 0
    assert got.focal_mm == pytest.approx(43.21, abs=0.01)
    assert got.focus_m == pytest.approx(3.456, abs=1e-4)
    assert got.iris == pytest.approx(2.8, abs=0.01)
    assert got.sensor_mm == (36.0, 24.0)


@pytest.mark.parametrize("scheme", ["freed", "opentrackio"])
def test_a_camera_that_falls_silent_is_held_and_at_last_lost_and_comes_back(scheme):
    camera_source, receiver = source(f"{scheme}://")
    datagrams = sent(scheme)
    states = []
    for tick in range(240):
        if tick < 30 or tick >= 200:
            receiver.say(*(sent(scheme) if scheme == "freed" else datagrams))
        camera_source.poll(tick * TICK_S)
        (camera,) = camera_source.cameras
        states.append(camera.state)
        np.testing.assert_allclose(camera.position, SEEN.position, atol=1e-4)
        assert bool(camera.reason) == (camera.state is not State.LIVE)
    since = 30 * TICK_S
    assert states.index(State.HOLD) * TICK_S == pytest.approx(since + HOLD_AFTER_S, abs=0.03)
    assert states.index(State.LOST) * TICK_S == pytest.approx(since + LOST_AFTER_S, abs=0.03)
    assert states[199] is State.LOST and set(states[200:]) == {State.LIVE}


# FreeD.


def tracking(number: int, x_mm: float = 0.0) -> bytes:
    return freed.encode(freed.Tracking(number, x_mm=x_mm, zoom=5000, focus=20000, user=400))


def test_every_head_of_a_port_is_a_camera_by_its_number():
    both, receiver = source("freed://")
    receiver.say(tracking(1, 100.0), tracking(2, 200.0))
    both.poll(0.0)
    assert placed(both) == [("Camera 1", -0.1), ("Camera 2", -0.2)]


def test_one_head_of_several_is_chosen_by_its_number_or_is_the_first():
    for line, name in (("freed://?id=2", "Camera 2"), ("freed://?id=2&camera=jib", "jib")):
        chosen, receiver = source(line)
        receiver.say(tracking(1), tracking(2), tracking(3))
        chosen.poll(0.0)
        assert [c.name for c in chosen.cameras] == [name]
        assert chosen.elsewhere == 2
    first, receiver = source("freed://?camera=A")
    receiver.say(tracking(7, 64.0), tracking(1))
    first.poll(0.0)
    assert placed(first) == [("A", -0.064)]


def test_two_heads_that_call_themselves_alike_are_one_and_the_first():
    one, receiver = source("freed://")
    for tick in range(10):
        receiver.say(tracking(1, 10.0), peer=ANN)
        receiver.say(tracking(1, 90.0), peer=BOB)
        one.poll(tick * TICK_S)
        assert placed(one) == [("Camera 1", -0.01)]
    assert one.reception.others == 10


def test_counts_mean_what_the_options_say():
    one, receiver = source("freed://?zoom=200&focus=1000&iris=50&sensor=24x13.5")
    other, other_ear = source("freed://?zoom=0&focal=80&focus=0&iris=0")
    for each in (receiver, other_ear):
        each.say(tracking(1))
    one.poll(0.0), other.poll(0.0)
    (lens,), (none,) = one.cameras, other.cameras
    assert (lens.focal_mm, lens.focus_m, lens.iris) == (25.0, 20.0, 8.0)
    assert lens.sensor_mm == (24.0, 13.5)
    assert (none.focal_mm, none.focus_m, none.iris) == (80.0, 0.0, 0.0)


# OpenTrackIO.


def sample(x_m: float = 0.0, source_number: int = 1, **more) -> ot.Sample:
    return ot.Sample(
        ot.protocol(),
        source_number=source_number,
        transforms=[ot.transform(np.array([x_m, 1.0, 0.0]), FORWARD)],
        **more,
    )


def packets(one: ot.Sample, number: int = 0, segment: int = otp.SEGMENT) -> list[bytes]:
    return otp.encode(ot.to_json(one), otp.Encoding.JSON, number, segment)


def test_segments_are_joined_and_a_lost_one_costs_its_sample_alone():
    camera_source, receiver = source("opentrackio://")
    number, places = 0, []
    for tick in range(20):
        parts = packets(sample(x_m=float(tick)), number, 64)
        number += len(parts)
        receiver.say(*(part for i, part in enumerate(parts) if (tick, i) != (10, 1)))
        camera_source.poll(tick * TICK_S)
        places.append(round(float(camera_source.cameras[0].position[0])))
    assert places == [*range(10), 9, *range(11, 20)]
    assert camera_source.figures()["dropped"] >= 1


def test_a_chain_of_dolly_and_head_ends_at_the_camera():
    camera_source, receiver = source("opentrackio://")
    dolly = ot.Transform(ot.Translation(1.0, 2.0, 0.0), ot.Rotation(pan=90.0))
    head = ot.Transform(ot.Translation(0.0, 0.5, 1.5), ot.Rotation())
    receiver.say(*packets(ot.Sample(ot.protocol(), transforms=[dolly, head])))
    camera_source.poll(0.0)
    # Theirs: x right, y forward, z up; a turn to the left makes forward -x.
    np.testing.assert_allclose(camera_source.cameras[0].position, (-0.5, 1.5, 2.0), atol=1e-9)


def test_one_source_of_several_on_a_port_is_chosen_by_its_number():
    chosen, receiver = source("opentrackio://?source=3")
    first, first_ear = source("opentrackio://")
    for tick in range(5):
        for each in (receiver, first_ear):
            each.say(*packets(sample(1.0, 1), tick), peer=ANN)
            each.say(*packets(sample(3.0, 3), tick), peer=BOB)
        chosen.poll(tick * TICK_S)
        first.poll(tick * TICK_S)
    assert placed(chosen) == [("Camera 3", 3.0)]
    assert placed(first) == [("Camera 1", 1.0)]
    assert chosen.elsewhere == 5 and first.reception.others == 5


def test_lens_and_sensor_that_are_said_now_and_then_are_kept_and_timecode_is_told():
    camera_source, receiver = source("opentrackio://?sensor=10x10")
    static = ot.Static(ot.StaticCamera(ot.Dimensions(23.76, 13.365)))
    rate = ot.Rate(24000, 1001)
    receiver.say(*packets(sample(lens=ot.Lens(pinhole_focal_length=24.305), static=static), 0))
    timing = ot.Timing(timecode=ot.Timecode(1, 2, 3, 4, rate))
    receiver.say(*packets(sample(timing=timing), 1))
    camera_source.poll(0.0)
    (camera,) = camera_source.cameras
    assert (camera.focal_mm, camera.sensor_mm) == (24.305, (23.76, 13.365))
    figures = camera_source.figures()
    assert (figures["timecode"], figures["timecode_rate"]) == ("01:02:03:04", "24000/1001")


@pytest.mark.skipif(sys.platform == "win32", reason="needs multicast on the loopback interface")
def test_multicast_is_heard_by_its_group_alone():
    """Two sources of one port, by the loopback card; each hears its own group."""
    from contextlib import closing

    from understudy.runtime.outputs.sender import Output

    lines = [f"opentrackio://multicast:55557?source={n}&interface=127.0.0.1" for n in (3, 4)]
    sources = registry.open_all([endpoint.parse(line, registry.KNOWN) for line in lines])
    output = Output(to("opentrackio://multicast:55557?source=3&interface=127.0.0.1"))
    with closing(output):
        for tick in range(200):
            output.offer(frame(), tick * TICK_S)
            output.send_due(tick * TICK_S)
            for one in sources:
                one.poll(tick * TICK_S)
            if sources[0].cameras:
                break
    assert apart(sources[0].cameras[0], frame().cameras[0])[0] < 0.1
    assert not sources[1].cameras and sources[1].reception.datagrams == 0
    for one in sources:
        one.close()


GOLDEN = {
    "freed": [tracking(1), tracking(2, 500.0)],
    "opentrackio": [
        *sent("opentrackio"),
        *sent("opentrackio", encoding="cbor"),
        *packets(sample()),
    ],
}


def resealed(data: bytes) -> bytes:
    """With the checksum made right again, so that what is inside is read too."""
    if len(data) == freed.SIZE:
        return data[:28] + bytes([freed.checksum(data[:28])])
    if len(data) > 16:
        size = struct.pack(">H", 0x8000 | (len(data) - 16) & 0x7FFF)
        head = data[:12] + size
        return head + struct.pack(">H", otp.fletcher16(head + data[16:])) + data[16:]
    return data


@pytest.mark.parametrize("scheme", list(GOLDEN))
def test_whatever_comes_is_counted_and_a_camera_is_a_camera(scheme):
    @settings(max_examples=60)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from([ANN, BOB]),
                st.one_of(
                    mutations(GOLDEN[scheme]), mutations(GOLDEN[scheme]).map(resealed), st.binary()
                ),
            ),
            max_size=12,
        )
    )
    def holds(said):
        camera_source, receiver = source(f"{scheme}://")
        for number, (peer, data) in enumerate(said):
            receiver.say(data, peer=peer)
            camera_source.poll(number * TICK_S)
        for camera in camera_source.cameras:
            assert np.isfinite(camera.position).all()
            assert np.dot(camera.rotation, camera.rotation) == pytest.approx(1.0, abs=1e-6)
            assert camera.focal_mm > 0.0
        figures = camera_source.figures()
        assert figures["datagrams"] == len(said)
        assert figures["damaged"] + figures["frames"] + figures["others"] <= len(said)

    holds()

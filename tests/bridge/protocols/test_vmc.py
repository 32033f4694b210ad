"""VMC: python-osc as a peer byte for byte, dialects, frames gathered back, bytes gone bad."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, axes, osc, vmc, vmc_accumulator
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.bridge.protocols.vmc_packer import DIALECTS, Packer
from understudy.runtime.core import rotation

CALM = rotation.identity()
TURNED = rotation.from_rotation_vector(np.array([0.3, 0.7, -0.2]))


def performance(bones=vmc.BONES, time_s=1.5, seed=0) -> vmc.Performance:
    """A frame in which every number is its own."""
    rng = np.random.default_rng(seed)
    return vmc.Performance(
        tuple(bones),
        rng.normal(size=(len(bones), 3)).astype(np.float32),
        rotation.normalize(rng.normal(size=(len(bones), 4))).astype(np.float32),
        (np.array([0.25, 0.0, 0.5]), rotation.from_yaw(0.5)),
        {"Blink_L": 0.25, "A": 0.75},
        vmc.Camera("Main", np.array([0.5, 1.5, 3.0]), TURNED, 45.0),
        [vmc.Device("Tra", "LHR-1", np.array([1.0, 0.0, 0.0]), CALM)],
        time_s,
    )


def by_python_osc(p: vmc.Performance) -> list[tuple[str, list]]:
    """The same frame as the specification words it, Unity's axes worked out by hand."""

    def unity(at, q):
        x, y, z = map(float, at)
        qx, qy, qz, qw = map(float, q)
        return [-x, y, z, qx, -qy, -qz, qw]

    said = [("/VMC/Ext/Root/Pos", ["root", *unity(*p.root)])]
    for name, at, q in zip(p.names, p.positions, p.rotations, strict=True):
        said.append(("/VMC/Ext/Bone/Pos", [name, *unity(at, q)]))
    said += [("/VMC/Ext/Blend/Val", [name, value]) for name, value in p.curves.items()]
    said.append(("/VMC/Ext/Blend/Apply", []))
    cam = p.camera
    x, y, z, w = cam.rotation  # Unity's camera looks the other way: half a turn about its up
    said.append(("/VMC/Ext/Cam", [cam.name, *unity(cam.position, (-z, w, x, -y)), cam.fov_deg]))
    for d in p.devices:
        said.append((f"/VMC/Ext/{d.kind}/Pos", [d.serial, *unity(d.position, d.rotation)]))
    said.append(("/VMC/Ext/OK", [1, 3, 0, 1]))
    said.append(("/VMC/Ext/T", [p.time_s]))
    return said


def built(address: str, arguments: list):
    builder = OscMessageBuilder(address)
    for value in arguments:
        builder.add_arg(value)
    return builder.build()


def test_packets_are_python_oscs_byte_for_byte():
    p = performance()
    wanted = iter(by_python_osc(p))
    for datagram in Packer().pack(p):
        builder = OscBundleBuilder(IMMEDIATELY)
        for _ in range(OscBundle(datagram).num_contents):
            builder.add_content(built(*next(wanted)))
        assert datagram == builder.build().dgram
    assert next(wanted, None) is None


def test_single_messages_are_the_same_messages():
    p = performance()
    alone = [built(*said).dgram for said in by_python_osc(p)]
    assert Packer(bundled=False).pack(p) == alone


@pytest.mark.parametrize("size", [256, 1472, 65507])
def test_datagrams_keep_to_their_size(size):
    datagrams = Packer(size=size).pack(performance())
    assert all(len(data) <= size for data in datagrams)
    # None could have taken the first message of the one after it.
    for data, after in itertools.pairwise(datagrams):
        assert len(data) + 4 + int.from_bytes(after[16:20], "big") > size


def addresses(datagrams: list[bytes]) -> list[str]:
    return [said.address for data in datagrams for said in osc.decode(data)]


def test_every_receiver_can_latch_at_the_end():
    bare = vmc.Performance(("Hips",), np.zeros((1, 3)), CALM[None])
    kinds = addresses(Packer().pack(bare))
    # Some latch at Apply, some at OK, some at T: all three come, once, after the last bone.
    assert kinds[-3:] == ["/VMC/Ext/Blend/Apply", "/VMC/Ext/OK", "/VMC/Ext/T"]
    assert len(set(kinds)) == len(kinds)


def test_dialects_send_the_root_as_their_receivers_take_it():
    p = performance(("Hips",))
    for name, dialect in DIALECTS.items():
        said = [s for data in Packer(dialect).pack(p) for s in osc.decode(data)]
        roots = [s for s in said if s.address == "/VMC/Ext/Root/Pos"]
        bones = [s.arguments[0] for s in said if s.address == "/VMC/Ext/Bone/Pos"]
        if name == "vmclivelink":  # it refuses the name in the root message
            assert not roots and bones == ["root", "Hips"]
        elif name == "godot":
            assert not roots and bones == ["Hips"]
        else:
            assert [len(s.arguments) for s in roots] == [8] and bones == ["Hips"]
        # VRM4U takes floats 8 to 10 of any message for a scale, VMCLiveLink wants 8 arguments.
        assert max(len(s.arguments) for s in said) <= 9
        assert all(len(s.arguments) == 8 for s in said if s.address == "/VMC/Ext/Bone/Pos")
        # uOSC and the Godot tracker know these types and lose their place after any other.
        assert {type(v) for s in said for v in s.arguments} <= {int, float, str}


def test_left_stays_left_and_turns_keep_their_sense():
    # Our left is +X and Unity's is -X; a turn to the left is positive here and negative there.
    at, q = axes.unity(np.array([1.0, 2.0, 3.0]), rotation.from_yaw(0.5))
    assert np.array_equal(at, [-1.0, 2.0, 3.0])
    assert np.allclose(q, rotation.from_yaw(-0.5))
    # Turning about the mirror's normal is the same in the mirror: nodding stays nodding.
    nod = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.5)
    assert np.allclose(axes.unity(at, nod)[1], nod)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-9, 9)] * 3))
def test_unity_is_the_mirror_image_of_everything(turn, at):
    q, v = rotation.from_rotation_vector(np.array(turn)), np.array(at)
    mirrored, turned = axes.unity(v, q)
    image, _ = axes.unity(rotation.rotate(q, v), q)
    assert np.allclose(rotation.rotate(turned, mirrored), image, atol=1e-9)
    back, there = axes.unity(mirrored, turned)
    assert np.array_equal(back, v) and np.array_equal(there, q)


def same(heard: vmc.Performance, said: vmc.Performance) -> None:
    assert set(heard.names) == set(said.names)
    order = [heard.names.index(name) for name in said.names]
    assert np.allclose(heard.positions[order], said.positions, atol=1e-6)
    assert np.allclose(heard.rotations[order], said.rotations, atol=1e-6)
    assert np.allclose(heard.root[0], said.root[0], atol=1e-6)
    assert heard.curves == pytest.approx(said.curves)
    assert heard.time_s == said.time_s
    assert (heard.camera.name, heard.camera.fov_deg) == ("Main", 45.0)
    assert np.allclose(heard.camera.position, said.camera.position)
    assert rotation.angle_between(heard.camera.rotation, said.camera.rotation) < 1e-3
    assert [(d.kind, d.serial) for d in heard.devices] == [("Tra", "LHR-1")]


@pytest.mark.parametrize("bundled", [True, False])
def test_frames_come_back_one_for_one(bundled):
    packer, ears = Packer(bundled=bundled), Accumulator()
    frames = [performance(time_s=float(i), seed=i) for i in range(6)]
    heard = [f for said in frames for data in packer.pack(said) for f in ears.feed(data)]
    if bundled:  # each with its own last datagram
        assert len(heard) == 6
        for said, got in zip(frames, heard, strict=True):
            same(got, said)
    else:  # what ends a frame is learned in the first; single messages do not tell of the time
        assert len(heard) == 6
        assert np.allclose(heard[-1].positions, frames[-1].positions, atol=1e-6)


def by_another(p: vmc.Performance, time_first: bool, timed: bool = True) -> list[bytes]:
    """A sender that bundles everything, its time first or never."""
    said = [osc.encode(address, *arguments) for address, arguments in by_python_osc(p)]
    *rest, time = said
    return [osc.bundle(([time] if time_first and timed else []) + rest)]


@pytest.mark.parametrize("timed", [True, False])
def test_senders_that_begin_with_the_time_or_have_none_lag_no_frame(timed):
    ears = Accumulator()
    for i in range(5):
        said = performance(time_s=float(i) if timed else 0.0, seed=i)
        (data,) = by_another(said, time_first=True, timed=timed)
        heard = ears.feed(data)
        if i == 1:  # where a frame ends is learned here: the first one and this
            assert len(heard) == 2
        elif i > 1:
            assert len(heard) == 1
        if i:
            same(heard[-1], said)


def test_a_lost_datagram_costs_its_bones_one_frame_and_no_more():
    packer, ears = Packer(), Accumulator()
    first, second, third = (performance(seed=i, time_s=float(i)) for i in range(3))
    for data in packer.pack(first):
        ears.feed(data)
    heard = [f for data in packer.pack(second)[1:] for f in ears.feed(data)]
    assert len(heard) == 1
    assert len(heard[0].names) == 55
    assert np.allclose(heard[0].positions[0], first.positions[0], atol=1e-6)
    assert np.allclose(heard[0].positions[-1], second.positions[-1], atol=1e-6)
    heard = [f for data in packer.pack(third) for f in ears.feed(data)]
    same(heard[0], third)


def test_a_bone_that_is_sent_no_longer_goes():
    ears = Accumulator()
    for names in [("Hips", "Head")] * 3 + [("Hips",)] * 40:
        for data in Packer().pack(performance(names)):
            heard = ears.feed(data)
    assert heard[0].names == ("Hips",)


def test_a_face_alone_is_a_performance():
    ears = Accumulator()
    data = osc.bundle(
        [vmc.message("/VMC/Ext/Blend/Val", "A", 0.5), vmc.message("/VMC/Ext/Blend/Apply")]
    )
    (heard,) = ears.feed(data)
    assert heard.curves == {"A": 0.5} and heard.names == ()


def test_the_packer_follows_names_that_come_and_go():
    packer = Packer()
    for bones in (("Hips",), vmc.BONES, ("Hips", "Head"), ("Head", "Hips")):
        p = performance(bones, seed=len(bones))
        assert packer.pack(p) == Packer().pack(p)


def test_a_pose_that_is_not_finite_is_not_sent():
    p = performance()
    p.positions[3, 1] = np.nan
    with pytest.raises(ProtocolError, match="not finite"):
        Packer().pack(p)


def test_messages_to_the_performer():
    for address, arguments in (
        ("/VMC/Ext/Set/Period", (1, 1, 1, 1, 1, 1)),
        ("/VMC/Ext/Set/Eye", (1, 0.0, 0.5, 2.0)),
        ("/VMC/Ext/Set/Calib/Exec", (1,)),
        ("/VMC/Ext/Set/Req", ()),
    ):
        data = vmc.message(address, *arguments)
        assert vmc.decode(data) == [(address, arguments)]
        assert data == built(address, list(arguments)).dgram


def test_versions_differ_in_what_they_add():
    # 2.0, 2.5 and 2.7 say more and more in OK; 2.1 added scale and offset to the root.
    for said in ((1,), (1, 3, 0), (1, 3, 0, 1)):
        assert vmc.decode(osc.encode("/VMC/Ext/OK", *said)) == [("/VMC/Ext/OK", said)]
    root = ("root", *map(float, range(13)))
    assert vmc.decode(osc.encode("/VMC/Ext/Root/Pos", *root)) == [("/VMC/Ext/Root/Pos", root)]
    # Extra arguments and unknown addresses are passed over, as the specification asks.
    assert vmc.decode(osc.encode("/VMC/Ext/T", 1.0, "more")) == [("/VMC/Ext/T", (1.0,))]
    assert vmc.decode(osc.encode("/Other/Thing", 1.0)) == []


@pytest.mark.parametrize(
    "data",
    [
        osc.encode("/VMC/Ext/Bone/Pos", "Hips", 0.0),
        osc.encode("/VMC/Ext/T", "now"),
        osc.encode("/VMC/Ext/OK", 0.5),
        osc.encode("/VMC/Ext/T", float("nan")),
        osc.encode("/VMC/Ext/OK"),
    ],
)
def test_wrong_and_missing_arguments_are_refused(data):
    with pytest.raises(ProtocolError, match="/VMC/Ext"):
        vmc.decode(data)


def test_a_wrong_message_does_not_take_the_good_ones_with_it():
    good = vmc.message("/VMC/Ext/Bone/Pos", "Hips", *[0.0] * 7)
    data = osc.bundle([osc.encode("/VMC/Ext/OK"), good, vmc.message("/VMC/Ext/T", 1.0)])
    assert [said.address for said in vmc.decode(data)] == ["/VMC/Ext/Bone/Pos", "/VMC/Ext/T"]
    ears = Accumulator()
    (heard,) = ears.feed(data)
    assert heard.names == ("Hips",) and ears.ignored == 1


def test_whole_numbers_and_truths_fit_where_they_are_meant():
    assert vmc.decode(osc.encode("/VMC/Ext/T", 1)) == [("/VMC/Ext/T", (1.0,))]
    yes = osc.text("/VMC/Ext/OK") + osc.text(",T")
    assert vmc.decode(yes) == [("/VMC/Ext/OK", (1,))]


def test_a_flood_of_names_is_bounded():
    ears = Accumulator()
    for i in range(3000):
        ears.feed(vmc.message("/VMC/Ext/Bone/Pos", f"bone {i}", *[0.0] * 7))
        ears.feed(vmc.message("/VMC/Ext/Blend/Val", f"shape {i}", 0.0))
        ears.feed(vmc.message("/VMC/Ext/Tra/Pos", f"device {i}", *[0.0] * 7))
    assert len(ears._bones) <= vmc_accumulator.MOST_BONES
    assert len(ears._staged) <= vmc_accumulator.MOST_CURVES
    assert len(ears._devices) <= vmc_accumulator.MOST_DEVICES
    assert ears.ignored > 6000


GOLDEN = [*Packer().pack(performance()), *Packer(bundled=False).pack(performance(("Hips",)))]


@given(st.lists(mutations(GOLDEN), min_size=1, max_size=4))
@settings(max_examples=60)
def test_bad_bytes_are_one_sentence(datagrams):
    ears = Accumulator()
    for data in datagrams:
        survives(ears.feed, data)

"""Datagrams into frames: everything that is said, in every form, and bytes gone bad."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.bridge.protocols.test_vmc import performance
from understudy.bridge.protocols import osc, vmc
from understudy.bridge.protocols.vmc_packer import DIALECTS, Packer

from .words import packed, text

pytestmark = pytest.mark.clients


def check(got: dict, p: vmc.Performance) -> None:
    assert list(got["bones"]) == list(p.names)
    assert np.allclose([at for at, _ in got["bones"].values()], p.positions, atol=1e-6)
    turned = np.array([q for _, q in got["bones"].values()])
    assert np.allclose(np.abs(np.sum(turned * p.rotations, axis=1)), 1.0, atol=1e-6)
    assert got["shapes"] == pytest.approx(p.curves)
    name, fov_deg, at, turn = got["camera"]
    assert (name, fov_deg) == ("Main", 45.0)
    assert np.allclose(at, p.camera.position, atol=1e-6)
    assert abs(np.dot(turn, p.camera.rotation)) == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(got["trackers"]["LHR-1"][0], p.devices[0].position, atol=1e-6)
    assert got["stamp_s"] == pytest.approx(p.time_s, abs=1e-5)
    assert got["tracking"] is True


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("size", [1472, 65507])
def test_a_frame_is_what_was_packed(godot, dialect, size):
    p = performance()
    got = godot.ask("gathered", text(packed(p, dialect, size)))
    assert len(got) == 1
    check(got[0], p)
    if dialect != "godot":  # whose receivers pass it over
        assert np.allclose(got[0]["root"][0], p.root[0], atol=1e-6)


def test_frames_are_told_apart_whatever_ends_them(godot):
    frames = [performance(time_s=1.0 + 0.1 * k, seed=k) for k in range(5)]
    alone = Packer(DIALECTS["standard"], bundled=False)
    messages = [[osc.decode(one)[0] for one in alone.pack(p)] for p in frames]
    encoded = [[osc.encode(one.address, *one.arguments) for one in said] for said in messages]
    timeless = [said[:-1] for said in encoded]
    got = godot.ask("gathered", text(itertools.chain(*timeless)))
    # Without a time the first two come when the next begins, the others as soon as they are whole.
    assert len(got) >= 3
    early = [[said[-1], *said[:-1]] for said in encoded]
    got = godot.ask("gathered", text(osc.bundle(said) for said in early))
    assert len(got) >= 4
    for one in got:  # none is half of one and half of another
        hips = np.array(one["bones"]["Hips"][0])
        frame = min(frames, key=lambda p: np.linalg.norm(p.positions[0] - hips))
        assert np.allclose([at for at, _ in one["bones"].values()], frame.positions, atol=1e-6)


def test_whole_numbers_are_numbers_and_other_types_a_fault(godot):
    def bone(*values: object) -> bytes:
        builder = OscMessageBuilder("/VMC/Ext/Bone/Pos")
        for value in values:
            builder.add_arg(value)
        return builder.build().dgram

    good = bone("Hips", 1, 2, 3.0, 0, 0, 0, True)
    bad = [
        bone("Hips", 1.0, 2.0),
        bone("Hips", "a", 2.0, 3.0, 0.0, 0.0, 0.0, 1.0),
        bone(5, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0),
        bone("Hips", 1.0, float("nan"), 3.0, 0.0, 0.0, 0.0, 1.0),
        bone("Hips", 1.0, float("inf"), 3.0, 0.0, 0.0, 0.0, 1.0),
        bone("Hips", 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0),
        bone("Hips", 1.0, 2e30, 3.0, 0.0, 0.0, 0.0, 1.0),
        osc.encode("/VMC/Ext/T", "late"),
        osc.encode("/VMC/Ext/OK"),
        osc.encode("/VMC/Ext/Blend/Val", "A", "b"),
        osc.encode("/VMC/Ext/Cam", "Main", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
        b"",
        b"/no",
        b"VMC",
    ]
    other = [osc.encode("/VMC/Ext/Key", 1, "A", 65), osc.encode("/of/somebody", 1.0)]
    state = OscMessageBuilder("/VMC/Ext/OK")
    state.add_arg(True)
    whole = osc.bundle([good, state.build().dgram, osc.encode("/VMC/Ext/T", 2)])
    frame = godot.ask("gathered", text([whole]))[0]
    assert frame["bones"] == {"Hips": [[-1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0]]}
    assert (frame["tracking"], frame["stamp_s"]) == (True, 2.0)
    got = godot.ask("feed", text([good, *bad, *other]))
    assert got["faults"][0] == ""
    assert all(fault.endswith(".") for fault in got["faults"][1 : 1 + len(bad)])
    assert got["faults"][-2:] == ["", ""]


def test_a_flood_of_names_is_bounded(godot):
    pose = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    bones = [osc.encode("/VMC/Ext/Bone/Pos", f"B{i}", *pose) for i in range(300)]
    shapes = [osc.encode("/VMC/Ext/Blend/Val", f"S{i}", 1.0) for i in range(1500)]
    rest = [osc.encode("/VMC/Ext/Tra/Pos", f"T{i}", *pose) for i in range(100)]
    rest += [osc.encode("/VMC/Ext/Blend/Apply"), osc.encode("/VMC/Ext/T", 1.0)]
    got = godot.ask("gathered", text([osc.bundle(bones + shapes + rest)]))
    assert len(got[0]["bones"]) == 128
    assert len(got[0]["shapes"]) == 1024
    assert len(got[0]["trackers"]) == 64


def mutated(chance: random.Random, golden: list[bytes]) -> bytes:
    """One of the datagrams, changed a few times over."""
    data = bytearray(chance.choice(golden))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(6):
            case 0 if data:
                data[at] = chance.randrange(256)
            case 1:
                del data[at:]
            case 2:
                del data[at : at + chance.randint(1, 16)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 16))
            case 4:
                data[at : at + 4] = chance.choice([b"\x7f\xff\xff\xff", b"\xff" * 4])
            case _:
                data += data[at : at + chance.randint(1, 64)]
    return bytes(data)


def test_bytes_gone_bad_are_counted_and_the_next_frame_is_read(godot):
    p = performance()
    golden = packed(p, "standard") + packed(p, "standard", 65507)
    golden[:0] = [
        osc.encode("/VMC/Ext/OK", 1, 3, 0, 1),
        osc.encode("/VMC/Ext/Blend/Val", "\u3042", 0.5),
        osc.encode("/VMC/Ext/Cam", "Main", 0.5, 1.5, 3.0, 0.0, 0.0, 0.0, 1.0, 45.0),
        osc.bundle([osc.bundle([osc.encode("/VMC/Ext/T", 1.0)]), osc.encode("/VMC/Ext/OK", 1)]),
    ]
    chance = random.Random(4)
    for _ in range(20):
        bad = [mutated(chance, golden) for _ in range(200)]
        got = godot.ask("feed", text([*bad, golden[-1], golden[-1]]))
        assert len(got["faults"]) == 202
        assert any(got["faults"])
        assert all(not fault or fault.endswith(".") for fault in got["faults"])
        assert got["faults"][-2:] == ["", ""] or "More than" in got["faults"][-1]
    check(godot.ask("gathered", text(packed(p)))[0], p)

"""The takeover network's maths against core's, and training end to end on made-up walking."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytestmark = pytest.mark.train

# ruff: noqa: E402
from tests.models.motion.gait import folder, walk
from understudy.models.takeover import (
    batches,
    begin,
    data,
    evaluate,
    export,
    mirror,
    network,
    takes,
    train,
    trust,
    variety,
)
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.takeover.network import Understudy


def some(count: int = 40, seed: int = 0):
    """World hips, local rotations and the bodies made of them."""
    rng = np.random.default_rng(seed)
    q = rotation.normalize(rng.normal(size=(count, 22, 4)))
    positions = np.repeat(PERFORMER.rest_positions[None], count, 0)
    positions[:, 0] = rng.normal(size=(count, 3))
    world_p, world_r = PERFORMER.globals(positions, q)
    turns = rotation.to_matrix(world_r).transpose(0, 2, 1, 3).reshape(count, 3, 66)
    bodies = torch.tensor(np.concatenate([positions[:, 0, :, None], turns], -1))
    return positions[:, 0], q, world_p, bodies


def test_bodies_and_kinematics_agree_with_core():
    _, q, world_p, bodies = some()
    net = network.Understudy(8, 8).double()
    np.testing.assert_allclose(net.joints(bodies).numpy().swapaxes(1, 2), world_p, atol=1e-6)
    np.testing.assert_allclose(evaluate.places(bodies.numpy()), world_p, atol=1e-9)
    local = network.locals_of(bodies)
    np.testing.assert_allclose(local.numpy(), rotation.to_matrix(q), atol=1e-9)
    np.testing.assert_allclose(network.chained(bodies[..., 0], local), bodies, atol=1e-9)
    assert rotation.angle_between(export.to_quaternions(local).numpy(), q).max() < 1e-6
    np.testing.assert_allclose(export.from_quaternions(torch.tensor(q)), local, atol=1e-9)


def test_a_turned_and_moved_body_is_seen_the_same():
    _, _, _, bodies = some()
    net = network.Understudy(8, 8).double()
    now, before = bodies[:20], bodies[20:]
    turn = torch.tensor(rotation.to_matrix(rotation.from_yaw(0.7)))
    far = torch.zeros(3, 67, dtype=torch.double)
    far[[0, 2], 0] = torch.tensor([3.0, -8.0], dtype=torch.double)
    seen = torch.ones(20, 22, dtype=torch.double)
    here = net.look(now, before, network.seen_of(before, seen))[0]
    there = [turn @ b + far for b in (now, before)]
    again = net.look(*there, network.seen_of(there[1], seen))[0]
    np.testing.assert_allclose(here, again, atol=1e-6)


def test_an_untrained_network_is_damped_velocity():
    _, _, _, bodies = some()
    net = network.Understudy(8, 8).double()
    with torch.no_grad():
        net.decode.weight.zero_()
    hips = bodies[:, :, 0]
    now, before = bodies[:20].clone(), bodies[:20].clone()
    before[:, :, 0] = hips[20:]
    after = net(now, before, torch.zeros(20, 8).double())[0].detach()
    keep = torch.sigmoid(net.keep[0]).item()
    goal = hips[:20] + keep * (hips[:20] - hips[20:])
    np.testing.assert_allclose(after[:, :, 0], goal, atol=1e-7)
    np.testing.assert_allclose(after[:, :, 1:], now[:, :, 1:], atol=1e-6)


def test_a_closed_gate_lets_nothing_through_and_a_joint_that_keeps_nothing_is_held():
    torch.manual_seed(0)
    net = network.Understudy(8, 8)
    bodies = some()[3].float()
    now, before = bodies[:20], bodies[20:]
    arm = PERFORMER.index("LeftArm")
    with torch.no_grad():
        net.decode.weight.normal_()
        keeps = network.RATE + 4
        shut = torch.tensor([keeps + 1 + arm, keeps + network.GATES + 1 + arm])
        net.decode.weight[shut] = 0.0
        net.decode.bias[shut] = -40.0
        after = net(now, before, torch.zeros(20, 8))[0]
    axes = slice(1 + 3 * arm, 4 + 3 * arm)
    np.testing.assert_allclose(after[..., axes], now[..., axes], atol=1e-5)
    other = slice(1 + 3 * (arm + 1), 4 + 3 * (arm + 1))
    assert (after[..., other] - now[..., other]).abs().max() > 0.1


def test_a_body_at_rest_stays_and_one_that_moves_is_led():
    torch.manual_seed(0)
    net = network.Understudy(8, 8)
    now = some()[3].float()
    with torch.no_grad():
        net.decode.weight.normal_()
        rest = net(now, now, torch.zeros(40, 8))[0]
        before = now.clone()
        before[:, 0, 0] -= 0.03
        walks = net(now, before, torch.zeros(40, 8))[0]
        net.decode.weight.zero_()
        simple = net(now, before, torch.zeros(40, 8))[0]
    np.testing.assert_allclose(rest, now, atol=1e-5)
    assert (walks - simple).abs().max() > 0.1


def test_errors_of_quiet_reels_count_more():
    clip = walk(4.0, 1.2)
    brisk = data.reels(clip)[0]
    sway = brisk.hips[:1] + 0.002 * np.sin(np.arange(len(brisk.hips)) / 20.0)[:, None]
    turns = np.repeat(brisk.turns[:1], len(sway), 0)
    quiet = data.Reel("quiet", sway.astype(np.float32), turns, brisk.contacts)
    same = batches.Footage([brisk, quiet], "", small=0.0).count
    np.testing.assert_allclose(same, 1.0, atol=1e-6)
    count = batches.Footage([brisk, quiet], "", small=0.7).count
    assert 3.0 < count[1] / count[0] < 40.0
    share = torch.tensor([len(brisk), len(quiet)]) / (len(brisk) + len(quiet))
    assert float((share * count).sum()) == pytest.approx(1.0, abs=1e-5)


def test_a_take_is_one_whatever_its_file_is_called():
    for name, wanted in (
        ("walking_30", "16_22"),
        ("007_04", "07_04"),
        ("running_5", "35_24"),
        ("walking_44+2", "walking_44"),
        ("02_07", "02_07"),
        ("running_2", "running_2"),
    ):
        assert takes.take(name) == wanted
    kept = takes.HELD_OUT
    for name in (
        "walking_1",
        "002_01",
        "02_01",
        "basketball_5",
        "006_06",
        "walking_4",
        "012_acted",
    ):
        assert takes.held(Path(f"any/{name}.bvh"), kept), name
    for name in ("walking_2", "002_02", "13_14", "009_acted"):
        assert not takes.held(Path(f"any/{name}.bvh"), kept), name


def test_filled_keeps_what_is_seen_and_hangs_the_rest_on_it():
    _, q, _, bodies = some()
    guess, truth = bodies[:20], bodies[20:]
    seen = torch.ones(20, 22, dtype=torch.double)
    arm = [PERFORMER.index(n) for n in ("LeftArm", "LeftForeArm")]
    seen[:, arm] = 0.0
    local = network.locals_of(network.filled(guess, network.seen_of(truth, seen))[0])
    others = [j for j in range(22) if j not in arm]
    want = rotation.to_matrix(q)
    np.testing.assert_allclose(local[:, others], want[20:, others], atol=1e-9)
    np.testing.assert_allclose(local[:, arm], want[:20, arm], atol=1e-9)
    lost = network.adrift(seen)[0].numpy()
    assert lost[PERFORMER.index("LeftHand")] == 1.0 and lost[arm[0]] == 0.0 and lost[0] == 0.0
    assert network.adrift(torch.zeros(1, 22)).all()


def test_mirroring_twice_is_nothing_and_once_swaps_left_and_right():
    _, _, world_p, bodies = some()
    twice = mirror.mirrored(mirror.mirrored(bodies.float()))
    np.testing.assert_allclose(twice, bodies.float())
    places = evaluate.places(mirror.mirrored(bodies.float()).numpy())
    left, right = PERFORMER.index("LeftHand"), PERFORMER.index("RightHand")
    np.testing.assert_allclose(places[:, left], world_p[:, right] * [-1, 1, 1], atol=1e-5)


def test_windows_are_the_motion_at_the_networks_rate(tmp_path):
    clip = walk(4.0, 1.2)
    reel = data.reels(clip)[0]
    footage = batches.Footage([reel], "")
    rng = torch.Generator().manual_seed(3)
    bodies, contacts, real, count = footage.windows(64, 10, 12, variety.PLAIN, rng)
    np.testing.assert_allclose(count, 1.0, atol=1e-6)
    assert bodies.shape == (24, 64, 3, 67) and contacts.shape == (24, 64, 4)
    # The last that was watched is the last that was seen, where nothing came after it.
    assert torch.equal(bodies[9], bodies[11]) and torch.equal(bodies[8], bodies[10])
    bodies, real = bodies[10:], real[10:]
    assert real[1].all() and real.float().mean() > 0.5
    speed = (bodies[1:, :, 2, 0] - bodies[:-1, :, 2, 0]).abs() * 30.0
    both = real[1:] & real[:-1]
    # Forward or, for windows that begin elsewhere, the same speed: 1.2 m/s scaled by the legs.
    assert abs(float(speed[both].median()) - 1.2) < 0.15


def test_a_window_in_all_its_variety_is_still_a_body_that_moves(tmp_path):
    reel = data.reels(walk(4.0, 1.2))[0]
    footage = batches.Footage([reel], "")
    much = variety.Variety(backwards=0.5, traded=0.5, led=1.0, late=1.0)
    bodies, _, _, _ = footage.windows(64, 10, 12, much, torch.Generator().manual_seed(3))
    turns = bodies[..., 1:].unflatten(-1, (22, 3)).transpose(-3, -2)
    off = turns @ turns.transpose(-1, -2) - torch.eye(3)
    assert off.abs().max() < 0.06  # frames between two of the reel are their mean
    # Who watched up to a tick before was led along the same way.
    before, now, after = (bodies[k, :, :, 0] for k in (10, 11, 12))
    steps = [(b - a).norm(dim=-1) for a, b in ((before, now), (now, after))]
    assert (steps[0] - steps[1]).abs().max() < 0.02
    late = (now - bodies[9, :, :, 0]).norm(dim=-1)
    assert (late < 1.5 * steps[0] + 0.01).all() and late.max() > 0.5 * steps[0].max()


def test_a_bend_turns_the_way_and_the_body_alike():
    clip = walk(4.0, 1.2)
    reel = data.reels(clip)[0]
    body = evaluate.body(reel)[:60:2, None]
    at_s = torch.arange(30)[:, None] / 30.0
    bent = variety.led(
        body, at_s, variety.Variety(led=1.0, slope=0.0), torch.Generator().manual_seed(1)
    )
    way, axis = bent[1:, 0, :, 0] - bent[:-1, 0, :, 0], bent[..., 3][:, 0]
    faced = torch.atan2(axis[:, 0], axis[:, 2])
    went = torch.atan2(way[:, 0], way[:, 2])
    assert abs(float(faced[-1] - faced[0])) > 0.05
    plain = torch.atan2(body[0, 0, 0, 3], body[0, 0, 2, 3])
    first = body[1, 0, :, 0] - body[0, 0, :, 0]
    turned = went[-1] - torch.atan2(first[0], first[2])
    assert abs(float(turned - (faced[-1] - plain))) < 0.25


def test_arms_are_traded_and_legs_are_not():
    _, _, _, bodies = some(12)
    bodies = bodies.float().reshape(3, 4, 3, 67)
    out, which = variety.traded(bodies, 1.0, torch.Generator().manual_seed(0))
    assert which == [0, 1, 2, 3]
    legs = [1 + 3 * j + k for j in map(PERFORMER.index, ("LeftLeg", "RightFoot")) for k in range(3)]
    assert torch.allclose(out[..., legs], bodies[..., legs], atol=1e-5)
    hands = [1 + 3 * PERFORMER.index(f"{side}Hand") for side in ("Left", "Right")]
    moved = (out[..., hands] - bodies[..., hands]).abs().amax((0, 2))  # of each body, each hand
    assert (moved.amax(-1) > 0.05).all()


def test_flips_are_cut_out():
    clip = walk(4.0, 1.2)
    spoilt = clip.rotations.copy()
    spoilt[100, 10] = rotation.from_axis_angle([0.0, 1.0, 0.0], 2.5)
    pieces = data.reels(data.Clip(clip.skeleton, clip.positions, spoilt, clip.frame_time_s, "walk"))
    assert [p.name for p in pieces] == ["walk", "walk+1"]
    assert sum(map(len, pieces)) < len(clip)


def test_doubt_is_fitted():
    rng = np.random.default_rng(0)
    said = np.exp(rng.uniform(-4, -1, (20, 50, 20)))
    tick = np.arange(1, 21)[:, None, None]
    came = rng.exponential(np.exp(0.3 + 1.2 * np.log(said) + 0.5 * np.log(tick)))
    line = trust.fit([(said, came)])
    np.testing.assert_allclose(line, (0.3, 1.2, 0.5), atol=0.06)
    for expected, measured in trust.means([(said, came)], line):
        assert expected == pytest.approx(measured, rel=0.1)
    for whole in (False, True):
        rows = trust.bins([(said, came)], line, whole)
        np.testing.assert_allclose(rows[:, 0], rows[:, 1], rtol=0.15)


def options(folder, out, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.arguments(parser)
    small = "--steps 8 --batch 8 --hidden 24 --width 16 --hold-out slow --threads 1"
    return parser.parse_args(["--data", str(folder), "--out", str(out), *small.split(), *more])


def test_from_bvh_to_a_body_that_goes_on(tmp_path, capsys):
    path, out = folder(tmp_path / "bvh"), tmp_path / "out"
    assert train.run(options(path, out)) == 0
    said = capsys.readouterr().out
    assert "best baseline" in said and "slow" in said
    card = json.loads((out / "takeover.json").read_text())
    assert card["measured"]["other"]["0.5"]["best_baseline_cm"] > 0
    assert (out / "held_out.csv").read_text().splitlines() == ["file,kind", "bvh/slow,other"]
    assert (out / "curves.png").exists() and (out / "reliability.png").exists()
    with Understudy(3, out / "takeover.onnx", "cpu") as understudy:
        seen = np.ones((3, 22), bool)
        clip = walk(1.0, 1.2)
        for k in range(20):
            places = np.repeat(clip.positions[None, k, 0], 3, 0)
            understudy.step(places, np.repeat(clip.rotations[None, k], 3, 0), seen)
            seen = seen & (k < 10)
        assert np.isfinite(understudy.rotations).all()


def test_a_training_goes_on_from_a_network(tmp_path, capsys):
    path, first = folder(tmp_path / "bvh"), tmp_path / "first"
    train.run(options(path, first))
    saved = torch.load(first / "checkpoint.pt", weights_only=True)["mean"]
    net = network.Understudy(24, 16)
    begin.begin(net, first / "takeover.onnx")
    for k, v in net.state_dict().items():
        assert k.startswith("doubt.") or torch.allclose(saved[k], v, atol=1e-6), k
    train.run(options(path, tmp_path / "next", "--begin", str(first / "takeover.onnx")))
    card = json.loads((tmp_path / "next" / "takeover.json").read_text())
    assert len(card["training"]["begun_from"]) == 64
    with pytest.raises(UnderstudyError, match="another form"):
        begin.begin(network.Understudy(8, 16), first / "takeover.onnx")
    (tmp_path / "no.onnx").write_bytes(b"no")
    with pytest.raises(UnderstudyError, match="no ONNX file"):
        begin.begin(net, tmp_path / "no.onnx")


def test_a_wider_network_begins_as_the_one_before(tmp_path, capsys):
    path, out = folder(tmp_path / "bvh"), tmp_path / "out"
    train.run(options(path, out))
    nets = [network.Understudy(hidden, width).eval() for hidden, width in ((24, 16), (40, 16))]
    bodies = evaluate.body(data.reels(walk(2.0, 1.2), 30.0)[0])
    ends = []
    for net in nets:
        begin.begin(net, out / "takeover.onnx")
        ends.append(evaluate.predicted(net, bodies, 10)[0])
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-4)


def test_a_mirrored_body_does_the_mirrored_thing():
    torch.manual_seed(0)
    both = mirror.Both(network.Understudy(8, 8).eval())
    bodies = some()[3].float()
    now, before = bodies[:20], bodies[20:]
    memory = torch.randn(40, 8)
    past = torch.randn(40, 5, 96), torch.randn(40, 5, 96), torch.ones(40, 5)
    seen = network.seen_of(before, (torch.rand(20, 22) < 0.5).float())
    with torch.no_grad():
        torch.nn.init.normal_(both.net.decode.weight)
        here = both(now, before, memory, seen, None, past)
        there = both(
            *(mirror.mirrored(now), mirror.mirrored(before), memory.roll(20, 0)),
            *(mirror.mirrored_seen(seen), None, tuple(p.roll(20, 0) for p in past)),
        )
    np.testing.assert_allclose(mirror.mirrored(there[0]), here[0], atol=1e-4)
    np.testing.assert_allclose(there[1].roll(20, 0), here[1], atol=1e-5)
    np.testing.assert_allclose(there[3][:, mirror.SWAP], here[3], atol=1e-5)


def test_what_is_exported_is_the_network_and_its_mirror_image():
    torch.manual_seed(0)
    bodies = some()[3].float()
    now, before = bodies[:20], bodies[20:]
    net = network.Understudy(8, 8).eval()
    seen = network.seen_of(before, (torch.rand(20, 22) < 0.5).float())
    ticks = torch.rand(20, 22).round()
    own, other = (
        net.look(a, b, part, t)
        for a, b, part, t in (
            (now, before, seen, ticks),
            (
                *(mirror.mirrored(now), mirror.mirrored(before)),
                *(mirror.mirrored_seen(seen), ticks[:, mirror.SWAP]),
            ),
        )
    )
    for k, by in ((0, mirror.FEATURES_SWAP), (2, mirror.RATE_SWAP)):
        np.testing.assert_allclose(mirror.swapped(own[k], by), other[k], atol=1e-4)
    memory = torch.randn(20, 2, 8)
    like, came = torch.randn(2, 20, 2, network.HEADS, network.PAST, network.KEY)
    known = torch.ones(20, network.PAST)
    quaternions = torch.tensor(rotation.from_matrix(seen[2].double().numpy())).float()
    with torch.no_grad():
        sides = [m.transpose(0, 1).flatten(0, 1) for m in (memory, like, came)]
        past = [p.transpose(1, 2).flatten(2) for p in sides[1:]]
        wanted = mirror.Both(net).advance(
            now, before, sides[0], seen, ticks, (*past, known.repeat(2, 1))
        )
        found = export.Exported(net, (0.0, 1.0, 0.0))(
            *(now, before, torch.cat([memory.flatten(1), ticks], -1), like, came, known),
            *(seen[0], seen[1], quaternions),
        )
    # The mean is taken of how both go on, not of where they are: alike but for a turn's square.
    after = network.filled(wanted[0], seen)[0]
    np.testing.assert_allclose(found[0], after, atol=2e-3)
    np.testing.assert_allclose(found[1][:, :16].reshape(20, 2, 8).transpose(0, 1).flatten(0, 1),
                               wanted[1], atol=1e-4)  # fmt: skip
    np.testing.assert_allclose(found[6], torch.sigmoid(wanted[2]), atol=1e-4)


def test_what_came_next_is_recalled_from_a_moment_like_this():
    torch.manual_seed(0)
    net = network.Understudy(8, 8).eval()
    x, memory = torch.randn(3, 8), torch.randn(3, 8)
    like = torch.randn(3, 5, 96)
    like[:, 2] = 40.0 * net.ask(torch.cat([memory, x], -1)).detach()
    came, known = torch.randn(3, 5, 96), torch.ones(3, 5)
    with torch.no_grad():
        found = net.recall(x, memory, (like, came, known))
        known[:, 2] = 0.0
        other = net.recall(x, memory, (like, came, known))
        nothing = net.recall(x, memory, (like, came, torch.zeros(3, 5)))
    assert (found - came[:, 2]).abs().max() < 0.2
    assert (other - came[:, 2]).abs().max() > 0.2
    assert nothing.abs().max() < 1e-6


def test_an_interrupted_training_goes_on_to_the_same_end(tmp_path, capsys):
    path = folder(tmp_path / "bvh")
    train.run(options(path, tmp_path / "whole"))
    train.run(options(path, tmp_path / "parts", "--minutes", "0"))
    saved = torch.load(tmp_path / "parts" / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 1
    train.run(options(path, tmp_path / "parts", "--resume"))
    assert "resumed at step 1" in capsys.readouterr().out
    a, b = (
        torch.load(tmp_path / n / "checkpoint.pt", weights_only=True)["net"]
        for n in ("whole", "parts")
    )
    assert all(torch.equal(a[k], b[k]) for k in a)
    with pytest.raises(UnderstudyError, match="other settings"):
        train.run(options(path, tmp_path / "parts", "--resume", "--seed", "5"))


def test_data_of_ones_own_trains_with_nothing_kept_apart(tmp_path, capsys):
    args = options(folder(tmp_path / "bvh"), tmp_path / "out", "--hold-out", "walking_*")
    assert train.run(args) == 0
    assert "nothing will be measured" in capsys.readouterr().out
    assert (tmp_path / "out" / "takeover.onnx").exists()
    with pytest.raises(UnderstudyError, match="at least 1"):
        train.run(options(tmp_path / "bvh", tmp_path / "out", "--steps", "0"))

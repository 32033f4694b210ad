"""Characters of files in the picture: small ones, looked at by numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.characters.models import Board, png
from understudy.demos.character import write
from understudy.runtime.characters.levels import levels
from understudy.runtime.characters.loading import load
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.camera import Camera, fov_of_lens
from understudy.runtime.viewport.effects.folders import SHIPPED
from understudy.runtime.viewport.look import Look
from understudy.runtime.viewport.outfit import Outfits
from understudy.runtime.viewport.renderer import Options, Renderer

from .conftest import SIZE, frame_of, standing

PLAIN = {"effect": False, "shadows": False}
FOUR = [[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (255, 255, 0)]]


@pytest.fixture(scope="session")
def actor(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("actor") / "actor.glb"
    write(path, 0.03)
    return path


@pytest.fixture
def ahead() -> Camera:
    """Looks at the board, which fills most of the picture's height."""
    return Camera(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 0.0]), fov_of_lens(46.0), *SIZE)


def wearing(path: Path, name: str = "board", x: float = 0.0, **more) -> Subject:
    skeleton = load(path).skeleton
    skeleton = replace(skeleton, curve_names=tuple(more.pop("curves", {})))
    pose = Pose.rest(skeleton)
    pose.positions[0, 0] += x
    return Subject(name, skeleton, pose, **more)


def picture(renderer: Renderer, path: Path, camera: Camera, *subjects: Subject, **options):
    """(H, W, 3) float 0..255, of the board alone where nobody else is named."""
    before = renderer.characters
    renderer.characters = {s.name: path for s in subjects} or {"board": path}
    try:
        frame = frame_of(*(subjects or (wearing(path),)))
        renderer.draw(frame, camera, Options(**{**PLAIN, "life": False, **options}))
        return renderer.read().astype(float)
    finally:
        renderer.characters = before


def textured(tmp_path: Path, colours=FOUR, **material) -> Board:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.array(colours, np.uint8)).save(out, "PNG")
    board = Board()
    material.setdefault("pbrMetallicRoughness", {"metallicFactor": 0.0})
    board.material(out.getvalue(), **material)
    board.tree["samplers"] = [{"magFilter": 9728, "wrapS": 33071, "wrapT": 33071}]
    board.tree["textures"][0]["sampler"] = 0
    return board


def corners(seen: np.ndarray) -> list[np.ndarray]:
    """Colours within the board's quarters: upper left, upper right, lower left, lower right."""
    h, w = seen.shape[:2]
    return [seen[y - 3 : y + 3, x - 3 : x + 3].mean((0, 1))
            for y in (h // 4, 3 * h // 4) for x in (w // 2 - 15, w // 2 + 15)]  # fmt: skip


def test_pictures_lie_the_right_way_round(renderer, tmp_path, ahead):
    path = textured(tmp_path).save(tmp_path / "a.glb")
    red, green, blue, yellow = corners(picture(renderer, path, ahead))
    assert red.argmax() == 0 and red[1] < 0.5 * red[0]
    assert green.argmax() == 1 and green[0] < 0.6 * green[1]
    assert blue.argmax() == 2 and yellow[:2].min() > 1.5 * yellow[2]


def test_turned_and_mirrored_pictures(renderer, tmp_path, ahead):
    board = textured(tmp_path)
    info = board.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    info["extensions"] = {"KHR_texture_transform": {"offset": [1.0, 0.0], "scale": [-1.0, 1.0]}}
    left, right, *_ = corners(picture(renderer, board.save(tmp_path / "a.glb"), ahead))
    assert left.argmax() == 1 and right.argmax() == 0
    info["extensions"] = {"KHR_texture_transform": {"offset": [-1.0, 0.0]}}
    board.tree["samplers"][0]["wrapS"] = 33648
    left, right, *_ = corners(picture(renderer, board.save(tmp_path / "a.glb"), ahead))
    assert left.argmax() == 1 and right.argmax() == 0


def test_unlit_is_shown_as_it_is(renderer, tmp_path, ahead):
    grey = [[(120, 160, 90)] * 2] * 2
    board = textured(tmp_path, grey, extensions={"KHR_materials_unlit": {}})
    for colour in corners(picture(renderer, board.save(tmp_path / "a.glb"), ahead)):
        assert np.allclose(colour, grey[0][0], atol=6)


def test_a_lamp_shines_in_the_dark_and_a_wall_does_not(renderer, tmp_path, ahead):
    night = Look(sun_colour=(0.0,) * 3, sky_zenith=(0.0,) * 3, sky_horizon=(0.0,) * 3,
                 ground_bounce=(0.0,) * 3)  # fmt: skip
    wall = textured(tmp_path).save(tmp_path / "wall.glb")
    lamp = textured(tmp_path, emissiveFactor=[0.0, 0.8, 0.2]).save(tmp_path / "lamp.glb")
    dark, lit = (corners(picture(renderer, p, ahead, look=night))[0] for p in (wall, lamp))
    assert dark.max() < 30 and lit.argmax() == 1 and lit[1] > 150


def test_masks_cut_and_glass_lets_through(renderer, tmp_path, ahead):
    empty = picture(renderer, textured(tmp_path).save(tmp_path / "x.glb"), ahead, standing(9.0))
    clear = [[(255, 0, 0, 0), (255, 0, 0, 255)]] * 2
    mask = textured(tmp_path, clear, alphaMode="MASK").save(tmp_path / "mask.glb")
    left, right = corners(picture(renderer, mask, ahead))[:2]
    assert np.allclose(left, corners(empty)[0], atol=3) and right.argmax() == 0
    half = [[(255, 0, 0, 128)] * 2] * 2
    glass = textured(tmp_path, half, alphaMode="BLEND").save(tmp_path / "glass.glb")
    whole = corners(picture(renderer, textured(tmp_path, half).save(tmp_path / "o.glb"), ahead))[0]
    seen = corners(picture(renderer, glass, ahead))[0]
    assert np.allclose(seen, 0.5 * (whole + corners(empty)[0]), atol=12)
    # Through an image effect too, which works on linear light.
    renderer.set_effect(SHIPPED / "ink")
    try:
        inked = corners(picture(renderer, glass, ahead))[0]
    finally:
        renderer.set_effect(None)
    assert inked[0] > inked[1] + 20


def test_a_metal_mirrors_in_its_own_colour_and_a_rough_thing_does_not_shine(renderer, tmp_path):
    """From beside the sun's mirror image, where only what is smooth shows it."""
    gold = [[(255, 180, 60)] * 2] * 2
    look = Look(sun=np.array([0.0, 0.12, 0.9928]))
    camera = Camera(np.array([0.0, 0.4, 5.0]), np.array([0.0, 1.0, 0.0]), fov_of_lens(46.0), *SIZE)
    seen = {}
    for name, metal, rough in (("gold", 1.0, 0.3), ("paint", 0.0, 0.3), ("chalk", 0.0, 1.0)):
        surface = {"metallicFactor": metal, "roughnessFactor": rough}
        board = textured(tmp_path, gold, pbrMetallicRoughness=surface)
        shown = picture(renderer, board.save(tmp_path / f"{name}.glb"), camera, look=look)
        h, w = shown.shape[:2]
        seen[name] = shown[h // 3 : 2 * h // 3, w // 2 - 10 : w // 2 + 10].reshape(-1, 3)
    assert np.ptp(seen["gold"].sum(1)) > 3 * np.ptp(seen["chalk"].sum(1))
    assert seen["paint"][:, 2].max() > seen["chalk"][:, 2].max() + 20
    least = seen["gold"][seen["gold"].sum(1).argmin()]
    assert least[0] > least[2] + 15


def test_a_normal_map_tilts_the_light(renderer, tmp_path, ahead):
    """Green is up in glTF's maps, red is right."""
    ways = {"up": (128, 218, 218), "down": (128, 38, 218), "right": (218, 128, 218),
            "left": (38, 128, 218)}  # fmt: skip
    look, seen = Look(sun=np.array([0.0, 0.8, 0.6])), {}
    side = Look(sun=np.array([0.8, 0.0, 0.6]))
    for name, colour in ways.items():
        board = textured(tmp_path, [[(200, 200, 200)] * 2] * 2)
        board.tree["images"].append({"bufferView": board.view(png([colour] * 2))})
        board.tree["textures"].append({"source": 1})
        board.tree["materials"][0]["normalTexture"] = {"index": 1}
        path = board.save(tmp_path / f"{name}.glb")
        sun = look if name in ("up", "down") else side
        seen[name] = corners(picture(renderer, path, ahead, look=sun))[0].sum()
    assert seen["up"] > seen["down"] + 60 and seen["right"] > seen["left"] + 60


def test_a_back_is_seen_of_what_has_two_sides_alone(renderer, tmp_path, ahead):
    behind = replace(ahead, position=np.array([0.0, 1.0, -5.0]))
    empty = picture(renderer, textured(tmp_path).save(tmp_path / "x.glb"), behind, standing(9.0))
    one = picture(renderer, textured(tmp_path).save(tmp_path / "a.glb"), behind)
    two = picture(renderer, textured(tmp_path, doubleSided=True).save(tmp_path / "b.glb"), behind)
    assert np.abs(one - empty).max() < 4 and np.abs(two - empty).max() > 60


def test_morphs_move_the_outline_and_each_subject_has_its_own_face(renderer, tmp_path, ahead):
    board = textured(tmp_path)
    board.target("jawOpen", np.float32([[0, 0, 0]] * 4 + [[0, -1.0, 0]] * 2))
    path = board.save(tmp_path / "a.glb")
    names = {"jawOpen": 1.0}
    one = wearing(path, "one", -1.2, curves=names)
    one.curves = np.array([1.0], np.float32)
    two = wearing(path, "two", 1.2, curves=names)
    two.curves = np.array([0.0], np.float32)
    empty = picture(renderer, path, ahead, standing(9.0))
    seen = np.abs(picture(renderer, path, ahead, one, two) - empty).max(2) > 20
    columns = [np.flatnonzero(half.any(axis=1)) for half in np.array_split(seen, 2, axis=1)]
    heights = [c[-1] - c[0] for c in columns]
    assert heights[0] == pytest.approx(0.5 * heights[1], abs=4)


def test_states_lie_over_it_and_it_casts_a_shadow(renderer, tmp_path, ahead):
    path = textured(tmp_path, [[(90, 90, 90)] * 2] * 2).save(tmp_path / "a.glb")
    live = corners(picture(renderer, path, ahead))[0]
    acted = corners(picture(renderer, path, ahead, wearing(path, state=State.TAKEOVER)))[0]
    assert acted[0] - acted[2] > live[0] - live[2] + 40
    above = Camera(np.array([0.0, 7.0, 0.01]), np.zeros(3), fov_of_lens(20.0), *SIZE)
    sunny, dark = (picture(renderer, path, above, shadows=on) for on in (False, True))
    assert (sunny - dark > 25).all(axis=2).mean() > 0.01


def test_many_alike_stand_where_they_should_whatever_their_level_of_detail(renderer, actor):
    wide = Camera(np.array([0.0, 1.2, 9.0]), np.array([0.0, 0.9, 0.0]), fov_of_lens(24.0), *SIZE)
    crowd = [wearing(actor, f"n{k}", x) for k, x in enumerate((-3.0, -1.0, 1.0, 3.0))]
    for k, one in enumerate(crowd):
        one.pose.positions[0, 2] = -2.0 * k
    empty = picture(renderer, actor, wide, standing(99.0))
    renderer.characters = {one.name: actor for one in crowd}
    seen = np.abs(picture(renderer, actor, wide, *crowd) - empty).max(2) > 25
    for one in crowd:
        hips = one.pose.positions[0]
        (x, y), _ = (a[0] for a in wide.project(hips[None]))
        assert seen[int(y) - 2 : int(y) + 2, int(x) - 2 : int(x) + 2].mean() > 0.7
    renderer.characters = {}


def test_levels_of_detail_are_not_seen_where_they_are_taken(renderer, actor):
    one = load(actor)
    made = levels(one.mesh, one.vertices())
    counts, errors = [len(m.triangles) for m in made], [m.error_m for m in made]
    assert len(made) >= 3 and counts[1] < 0.5 * counts[0] and counts == sorted(counts)[::-1]
    assert errors[0] == 0.0 and errors == sorted(errors) and errors[1] < 0.005
    assert all(sum(p.count for p in m.parts) == len(m.triangles) for m in made)
    # Closed surfaces stay closed: no crack at a seam shows what lies behind.
    for level in made[1:]:
        body = one.vertices()[level.triangles[: level.parts[0].count]]
        corner = np.unique(np.round(body.reshape(-1, 3), 5), axis=0, return_inverse=True)[1]
        edges = np.sort(corner.reshape(-1, 3)[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        shared = np.unique(edges, axis=0, return_counts=True)[1]
        assert (shared == 1).mean() < 0.01


def test_the_actors_face_moves_and_lives(renderer, actor):
    near = Camera(np.array([0.1, 1.66, 0.7]), np.array([0.0, 1.6, 0.0]), fov_of_lens(50.0), *SIZE)

    def shown(curves: dict[str, float], sequence: int = 1, **options) -> np.ndarray:
        one = wearing(actor, "ann", curves=curves)
        one.curves = np.array(list(curves.values()), np.float32)
        frame = replace(frame_of(one), sequence=sequence)
        renderer.characters = {"ann": actor}
        renderer.draw(frame, near, Options(**{**PLAIN, "life": False, **options}))
        renderer.characters = {}
        return renderer.read().astype(float)

    rest = shown({})
    for curves in ({"eyeBlinkLeft": 1.0}, {"jawOpen": 1.0}, {"A": 1.0},
                   {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}):  # fmt: skip
        assert (np.abs(shown(curves) - rest).max(2) > 30).mean() > 0.001, curves
    left = np.abs(shown({"eyeBlinkLeft": 1.0}) - rest).max(2) > 30
    assert left[:, SIZE[0] // 2 :].sum() > 10 * left[:, : SIZE[0] // 2 - 10].sum()
    alive = [shown({}, 60 * k, life=True) for k in range(40, 60)]
    assert max((np.abs(one - rest).max(2) > 30).sum() for one in alive) > 20
    assert np.array_equal(shown({}, 7), rest)


def test_another_body_wears_it_by_its_roles(renderer, actor, front):
    """A stage that knows nothing of characters: the viewport carries the pose over."""
    plain = picture(renderer, actor, front, standing(9.0))
    seen = np.abs(picture(renderer, actor, front, standing(0.0, "ursula")) - plain).max(2) > 20
    renderer.characters = {"ursula": actor}
    renderer.draw(frame_of(standing(0.0, "ursula")), front, Options(**PLAIN))
    renderer.characters = {}
    world_p, _ = PERFORMER.rest_globals
    xy, _ = front.project(world_p)
    rows = np.flatnonzero(seen.any(axis=1))
    assert abs(rows[0] - xy[:, 1].min()) < 20 and abs(rows[-1] - xy[:, 1].max()) < 8
    assert not any("ursula" in note for note in renderer.notes)


def test_who_cannot_wear_it_is_drawn_as_before_and_it_is_said(renderer, actor, tmp_path, front):
    pole = Skeleton(("a", "b"), np.array([-1, 0]), np.array([[0, 0.5, 0], [0, 1.0, 0]]))
    picture(renderer, actor, front, Subject("pole", pole, Pose.rest(pole)))
    assert any("pole is not drawn as pole" in note for note in renderer.notes)
    (tmp_path / "broken.glb").write_bytes(b"glTF but not for long enough")
    seen = picture(renderer, tmp_path / "broken.glb", front, standing(0.0, "eve"))
    assert any("The character eve is not drawn: broken.glb" in note for note in renderer.notes)
    renderer.draw(frame_of(standing(0.0, "eve")), front, Options(**PLAIN))
    assert np.array_equal(seen, renderer.read().astype(float))


def test_a_profile_hides_meshes(renderer, actor, tmp_path, front):
    write(tmp_path / "actor.glb", 0.03)
    profile = tmp_path / "bare.toml"
    profile.write_text('file = "actor.glb"\nhide = ["body", "visor"]\n')
    subject = wearing(actor, "ann")
    whole = picture(renderer, actor, front, subject)
    bare = picture(renderer, profile, front, subject)
    assert (np.abs(whole - bare).max(2) > 30).mean() > 0.03
    profile.write_text('file = "actor.glb"\nhide = ["sword"]\n')
    picture(renderer, profile, front, wearing(actor, "noone"))
    assert any("no mesh 'sword' to hide; it has body" in note for note in renderer.notes)


def test_a_character_is_made_ready_beside_the_frame_loop(actor):
    outfits = Outfits(wait=False)
    outfits.files = {"ann": actor}
    assert outfits.outfit("ann") is None and outfits.making
    outfits._making["ann"][1].result(60)
    made = outfits.outfit("ann")
    assert made is not None and outfits.outfit("ann") is made and outfits.outfit("ben") is None
    outfits.close()

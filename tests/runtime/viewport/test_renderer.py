"""Pictures: small ones, looked at by numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from imgui_bundle import imgui

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera as PoseCamera
from understudy.runtime.core.pose import Intent, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.camera import Camera, fov_of_lens
from understudy.runtime.viewport.editing import Editor, Snapshot, SourceRow
from understudy.runtime.viewport.effects.folders import SHIPPED
from understudy.runtime.viewport.hud import Board
from understudy.runtime.viewport.labels import (
    BONES_ONLY,
    REASON_LETTERS,
    over_heads,
    state_text,
)
from understudy.runtime.viewport.look import Look
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.sliders import Slider

from .conftest import SIZE, frame_of, standing


def picture(renderer: Renderer, frame, camera: Camera, board: Board | None = None, **options):
    """(H, W, 3) float 0..255."""
    renderer.draw(frame, camera, Options(**options), board)
    return renderer.read().astype(float)


def changed(a: np.ndarray, b: np.ndarray, by: float = 12.0) -> np.ndarray:
    """(H, W) where two pictures differ."""
    return np.abs(a - b).max(axis=2) > by


def box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is true."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1], rows[-1]


def test_an_empty_stage_is_sky_over_ground(renderer: Renderer, front: Camera) -> None:
    seen = picture(renderer, None, front)
    sky, ground = seen[:20].mean(axis=(0, 1)), seen[-20:].mean(axis=(0, 1))
    assert sky[2] > sky[0] and sky.mean() > ground.mean() + 20
    assert seen.shape == (SIZE[1], SIZE[0], 3)


def test_the_mannequin_stands_where_its_skeleton_does(renderer: Renderer, front: Camera) -> None:
    empty = picture(renderer, None, front, shadows=False, effect=False)
    seen = picture(renderer, frame_of(standing()), front, shadows=False, effect=False)
    left, top, right, bottom = box(changed(empty, seen))
    world_p, _ = PERFORMER.rest_globals
    reach = np.concatenate([world_p, [[0.0, 1.78, 0.0], [0.89, 1.45, 0], [-0.89, 1.45, 0]]])
    xy, _ = front.project(reach)
    assert abs(left - xy[:, 0].min()) < 4 and abs(right - xy[:, 0].max()) < 4
    assert abs(top - xy[:, 1].min()) < 4 and abs(bottom - xy[:, 1].max()) < 5


def test_the_pose_moves_the_picture(renderer: Renderer, front: Camera) -> None:
    one = picture(renderer, frame_of(standing()), front)
    two = picture(renderer, frame_of(standing(0.5)), front)
    assert changed(one, two).mean() > 0.03


def test_the_shadow_falls_where_the_sun_says(renderer: Renderer) -> None:
    camera = Camera(np.array([0.0, 7.0, 0.01]), np.zeros(3), fov_of_lens(20.0), *SIZE)
    options = {"effect": False}
    lit = picture(renderer, frame_of(standing()), camera, shadows=False, **options)
    dark = picture(renderer, frame_of(standing()), camera, shadows=True, **options)
    sun = Look().sun
    chest = np.array([0.0, 1.3, 0.0])
    on_ground = chest - sun * chest[1] / sun[1]
    elsewhere = on_ground * [-1.0, 1.0, -1.0]
    (at, other), _ = camera.project(np.array([on_ground, elsewhere]))
    (x, y), (u, v) = np.round(at).astype(int), np.round(other).astype(int)
    assert dark[y, x].mean() < 0.75 * lit[y, x].mean()
    assert dark[v, u].mean() == pytest.approx(lit[v, u].mean(), abs=2.0)


def test_the_grid_has_its_lines_at_whole_metres(renderer: Renderer) -> None:
    camera = Camera(np.array([4.5, 6.0, 4.51]), np.array([4.5, 0.0, 4.5]), 0.9, *SIZE)
    seen = picture(renderer, None, camera).mean(axis=2)
    on = np.array([[x, 0.0, 4.3] for x in (4.0, 5.0, 6.0)])
    off = on + np.array([0.3, 0.0, 0.0])
    level = [
        np.array([seen[int(y), int(x)] for x, y in camera.project(points)[0]])
        for points in (on, off)
    ]
    assert (level[0] > level[1] + 4.0).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("number", range(5))
def test_sleeves_are_orange_on_the_left_and_teal_on_the_right(
    renderer: Renderer, front: Camera, scale: float, number: int
) -> None:
    """Of everybody, whatever the size, and the chest has a colour of its own."""
    skeleton = PERFORMER if scale == 1.0 else replace(
        PERFORMER,
        rest_positions=PERFORMER.rest_positions * scale,
        tips=PERFORMER.tips * scale,
    )  # fmt: skip
    cast = [Subject(f"s{i}", skeleton, Pose.rest(skeleton)) for i in range(number + 1)]
    for aside in cast[:-1]:
        aside.pose.positions[0, 0] += 50.0
    camera = replace(front, position=front.position * scale, target=front.target * scale)
    seen = picture(renderer, frame_of(*cast), camera, effect=False)
    upper = skeleton.rest_globals[0][skeleton.index("LeftArm")]
    warmth: list[list[float]] = [[], []]
    for sign, found in zip((1.0, -1.0), warmth, strict=True):
        for along in np.linspace(0.10, 0.22, 9) * scale:
            point = (upper + np.array([along, 0.0, 0.04 * scale])) * [sign, 1.0, 1.0]
            ((x, y),), _ = camera.project(point[None])
            r, _, b = seen[int(y), int(x)]
            found.append(r - b)
    assert np.mean(sorted(warmth[0])[-3:]) > 45 and np.mean(sorted(warmth[1])[:3]) < -15
    if scale == 3.0:  # a giant's chest is no sleeve
        chest = skeleton.rest_globals[0][skeleton.index("Spine2")]
        points = chest + np.array([[x, y, 0.12] for x in (-0.05, 0.05) for y in (0.0, 0.08)]) * 3.0
        at = np.round(camera.project(points)[0]).astype(int)
        sides = [seen[y, x] for x, y in at]
        assert np.abs(np.mean(sides[:2], 0) - np.mean(sides[2:], 0)).max() < 60


def tone(renderer: Renderer, light: tuple[float, float, float]) -> np.ndarray:
    """(3,) 0..1: what the shader's tone map makes of a linear colour."""
    ctx = renderer.ctx
    from understudy import shaders

    program = ctx.program(
        vertex_shader="#version 330 core\n#define VERTEX\n" + shaders.source("fullscreen.glsl"),
        fragment_shader="#version 330 core\n#define FRAGMENT\nuniform vec3 light;\nout vec4 c;\n"
        + shaders.source("tone.glsl")
        + "void main() { c = shown_colour(light, 1.0); }",
    )
    program["light"].value = light
    target = ctx.simple_framebuffer((4, 4), 4, dtype="f4")
    target.use()
    ctx.vertex_array(program, []).render(vertices=3)
    return np.frombuffer(target.read(components=3, dtype="f4"), "f4")[:3]


@pytest.mark.parametrize("value", [0.1, 0.3, 0.5, 0.7])
def test_the_tone_map_is_neutral_below_its_shoulder(renderer: Renderer, value: float) -> None:
    """Khronos PBR Neutral takes 0.04 off and leaves the rest; then sRGB."""
    linear = value - 0.04
    expected = 1.055 * linear ** (1 / 2.4) - 0.055
    assert tone(renderer, (value,) * 3) == pytest.approx([expected] * 3, abs=2e-3)


def test_the_tone_map_brings_any_light_under_one_and_keeps_its_order(renderer: Renderer) -> None:
    levels = [tone(renderer, (v, v, v))[0] for v in (0.8, 1.0, 2.0, 5.0, 50.0)]
    assert levels == sorted(levels) and levels[-1] <= 1.0
    assert levels[-1] > levels[0] + 0.02


def test_the_effect_darkens_where_body_meets_body(renderer: Renderer, front: Camera) -> None:
    if renderer.contact is None:
        pytest.skip(renderer.notes[0])
    without = picture(renderer, frame_of(standing()), front, effect=False)
    having = picture(renderer, frame_of(standing()), front, effect=True)
    assert changed(without, having, 4.0).mean() > 0.005
    assert (having - without)[changed(without, having, 4.0)].mean() < 0.0


def test_looking_through_a_subjects_eyes_hides_its_body(renderer: Renderer, front: Camera) -> None:
    pair = frame_of(standing(-0.9, "a"), standing(0.9, "b"))
    both = picture(renderer, pair, front, shadows=False)
    one = picture(renderer, pair, front, shadows=False, hidden="a")
    gone = changed(both, one)
    assert gone[:, : SIZE[0] // 2].any() and not gone[:, -SIZE[0] // 4 :].any()


def test_bones_trajectory_intent_and_contacts_are_drawn(renderer: Renderer, front: Camera) -> None:
    subject = standing(
        intent=Intent(travel=np.array([0.0, 1.0]), facing=np.array([1.0, 0.0])),
        contacts=np.array([[PERFORMER.index("LeftToeBase"), 1.0]], np.float32),
        trajectory=np.array([[0.0, z, 0.0, 1.0] for z in np.linspace(-1, 1.5, 8)], np.float32),
    )
    plain = picture(renderer, frame_of(subject), front)
    for option in ("skeleton", "trajectory", "contacts"):
        assert changed(plain, picture(renderer, frame_of(subject), front, **{option: True})).any()


def test_cameras_and_props_of_the_stage_are_marked_but_not_the_one_that_is_looked_through(
    renderer: Renderer, front: Camera
) -> None:
    frame = frame_of(standing())
    bare = picture(renderer, frame, front)
    level = np.array([0.0, 0.0, 0.0, 1.0])
    frame.props = [Prop("sword", np.array([-0.8, 1.0, 0.3]), level)]
    with_prop = picture(renderer, frame, front)
    assert changed(bare, with_prop).sum() > 20
    frame.cameras = [PoseCamera("A", np.array([0.8, 1.0, 0.5]), level, 35.0, (36.0, 24.0))]
    with_camera = picture(renderer, frame, front)
    assert changed(with_prop, with_camera).sum() > 50
    eye = {"hidden_cameras": frozenset({"A"})}
    assert not changed(with_prop, picture(renderer, frame, front, **eye)).any()
    unnamed = picture(renderer, frame, front, labels=True)
    assert changed(unnamed, picture(renderer, frame, front, labels=True, **eye)).any()
    frame.cameras[0].position = np.array([np.nan, 1.0, 0.5])
    assert not changed(with_prop, picture(renderer, frame, front)).any()


def test_marks_with_nonsense_in_them_do_no_harm(renderer: Renderer, front: Camera) -> None:
    subject = standing(
        intent=Intent(travel=np.array([np.nan, 1.0]), facing=np.array([np.inf, 0.0])),
        contacts=np.array([[999.0, 1.0], [-1.0, 1.0]], np.float32),
        trajectory=np.full((4, 4), np.nan, np.float32),
    )
    picture(renderer, frame_of(subject), front, trajectory=True, contacts=True, skeleton=True)


def test_a_pose_that_is_not_finite_does_not_end_the_show(renderer: Renderer, front: Camera) -> None:
    subject = standing()
    subject.pose.positions[:] = np.nan
    picture(renderer, frame_of(subject, standing(0.5, "b")), front, labels=True, skeleton=True)


def test_names_and_states_stand_over_the_heads(renderer: Renderer, front: Camera) -> None:
    subject = standing(state=State.TAKEOVER, reason="pad silent for 0.5 s")
    plain = picture(renderer, frame_of(subject), front)
    named = picture(renderer, frame_of(subject), front, labels=True)
    left, _, right, bottom = box(changed(plain, named))
    ((x, y),), _ = front.project(np.array([[0.0, 1.78, 0.0]]))
    assert left < x < right and bottom <= y + 4


def test_what_stands_over_a_body_that_is_acted() -> None:
    live = standing(uncertainty_m=0.2)
    assert state_text(live) == ("hero", "")
    acted = standing(state=State.TAKEOVER, reason="no mocap", uncertainty_m=0.043)
    assert state_text(acted) == ("hero  TAKEOVER  ±4 cm", "no mocap")
    held = standing(state=State.HOLD, reason="x" * 500)
    text, below = state_text(held)
    assert text == "hero  HOLD" and len(below) <= REASON_LETTERS


def test_a_body_that_its_source_does_not_move_is_tinted(renderer: Renderer, front: Camera) -> None:
    """Amber over a figure in takeover, red over one that is held; nothing over a live one."""
    chest = (slice(62, 72), slice(112, 128))
    seen = {
        state: picture(renderer, frame_of(standing(state=state)), front)[chest].mean((0, 1))
        for state in State
    }
    warmth = {state: red - blue for state, (red, _, blue) in seen.items()}
    redness = {state: red - green for state, (red, green, _) in seen.items()}
    assert warmth[State.TAKEOVER] > warmth[State.LIVE] + 10
    for nobody in (State.HOLD, State.LOST):
        assert redness[nobody] > redness[State.TAKEOVER] + 5 > redness[State.LIVE] + 10


def test_a_veil_lies_over_the_joints_it_names_alone(renderer: Renderer, front: Camera) -> None:
    frame = frame_of(standing())
    veil = np.zeros((len(PERFORMER), 4))
    veil[[PERFORMER.index(n) for n in ("LeftArm", "LeftForeArm", "LeftHand")]] = (0, 0, 0, 0.9)
    options = Options(veils={"hero": veil})
    plain = picture(renderer, frame, front)
    renderer.draw(frame, front, options)
    left, _, right, _ = box(changed(plain, renderer.read().astype(float)))
    assert SIZE[0] / 2 < left < right  # its left is on our right


def test_sliders_are_drawn_and_answer_the_mouse(renderer: Renderer, front: Camera) -> None:
    sliders = [Slider("energy", 0.0), Slider("crouch", 0.0)]
    plain = picture(renderer, None, front, board=Board("understudy"), hud=True)
    board = Board("understudy", sliders=sliders)
    picture(renderer, None, front, board=board, hud=True)
    seen = picture(renderer, None, front, board=board, hud=True)
    left, top, right, bottom = box(changed(plain, seen)[:, SIZE[0] // 2 :])
    assert not any(slider.moved for slider in sliders)
    io = imgui.get_io()
    for x in np.linspace(left, right, 24) + SIZE[0] // 2:
        io.add_mouse_pos_event(float(x), top + 0.3 * (bottom - top))
        io.add_mouse_button_event(0, True)
        picture(renderer, None, front, board=board, hud=True)
        assert renderer.holds_mouse
    io.add_mouse_button_event(0, False)
    io.add_mouse_pos_event(1.0, float(SIZE[1]) - 1)
    picture(renderer, None, front, board=board, hud=True)
    picture(renderer, None, front, board=board, hud=True)
    assert sliders[0].moved and sliders[0].value != 0.0 and not sliders[1].moved
    assert not renderer.holds_mouse


def test_the_hud_shows_its_figures(renderer: Renderer, front: Camera) -> None:
    board = Board("understudy", rows=[("stage", "60.0 Hz")], notice="No signal for 3.0 s")
    plain = picture(renderer, None, front)
    seen = picture(renderer, None, front, board=board, hud=True)
    assert changed(plain, seen)[: SIZE[1] // 2, : SIZE[0] // 2].any()
    assert changed(plain, seen)[SIZE[1] // 2 :].any()


def test_after_the_hud_the_next_picture_is_as_before(renderer: Renderer, front: Camera) -> None:
    """ImGui sets GL state of its own: none of it may leak."""
    before = picture(renderer, frame_of(standing()), front)
    picture(renderer, frame_of(standing()), front, board=Board("x"), hud=True, skeleton=True)
    assert np.array_equal(before, picture(renderer, frame_of(standing()), front))


def test_the_same_frame_gives_the_same_picture(renderer: Renderer, front: Camera) -> None:
    frame = frame_of(standing())
    assert np.array_equal(picture(renderer, frame, front), picture(renderer, frame, front))


def test_sizes_and_scales_change_live(renderer: Renderer, front: Camera) -> None:
    small = picture(renderer, frame_of(standing()), front)
    renderer.resize(321, 201, 2.0)
    assert picture(renderer, frame_of(standing()), front).shape == (201, 321, 3)
    renderer.resize(*SIZE, 1.0)
    assert np.array_equal(small, picture(renderer, frame_of(standing()), front))


def test_a_crowd_with_two_kinds_of_body_is_drawn(renderer: Renderer, front: Camera) -> None:
    stick = Skeleton(("a", "b"), np.array([-1, 0]), np.array([[0, 0.1, 0], [0, 1.2, 0]], float))
    crowd = [standing(0.4 * i - 1.0, f"s{i}") for i in range(6)]
    frame = frame_of(*crowd, Subject("stick", stick, Pose.rest(stick)))
    picture(renderer, frame, front, labels=True)
    assert len(renderer.cast.placed) == 7


def test_shaders_that_do_not_compile_say_where(renderer: Renderer) -> None:
    with pytest.raises(FileNotFoundError):
        gl.program(renderer.ctx, "no_such_pass.glsl")


def test_a_users_image_effect_changes_the_picture_and_can_be_switched_off(
    renderer: Renderer, front: Camera
) -> None:
    pytest.importorskip("onnxruntime")
    plain = picture(renderer, frame_of(standing()), front)
    renderer.set_effect(SHIPPED / "ink")
    inked = picture(renderer, frame_of(standing()), front)
    off = picture(renderer, frame_of(standing()), front, image_effect=False)
    renderer.set_effect(None)
    assert changed(plain, inked).mean() > 0.02
    assert np.array_equal(plain, off)
    assert np.array_equal(plain, picture(renderer, frame_of(standing()), front))


def test_an_effect_draws_no_line_where_the_ground_fades_into_the_sky(
    renderer: Renderer, front: Camera
) -> None:
    """The ground ends below the horizon that is seen, and its end is no edge for anybody."""
    pytest.importorskip("onnxruntime")
    renderer.set_effect(SHIPPED / "ink")
    inked = picture(renderer, None, front).mean(axis=2)
    renderer.set_effect(None)
    rows = inked[SIZE[1] // 4 : -SIZE[1] // 4].mean(axis=1)
    dips = rows[1:-1] - 0.5 * (rows[:-2] + rows[2:])
    assert dips.min() > -3.0


def test_a_skeleton_that_gets_no_mannequin_says_so_over_it_and_once_in_the_notes(
    renderer: Renderer, front: Camera
) -> None:
    stick = Skeleton(("a", "b"), np.array([-1, 0]), np.array([[0, 0.1, 0], [0, 1.2, 0]], float))
    frame = frame_of(Subject("stick", stick, Pose.rest(stick)))
    for _ in range(2):
        picture(renderer, frame, front, labels=True)
    notes = [note for note in renderer.notes if note.startswith("stick is drawn as its bones: ")]
    assert len(notes) == 1 and "no humanoid" in notes[0]
    (label,) = over_heads(renderer.cast.placed, [], front)
    assert label.below == BONES_ONLY


def test_the_panel_takes_clicks_and_letters_and_keeps_them_from_the_stage(
    renderer: Renderer, front: Camera
) -> None:
    asked: list[str] = []
    editor = Editor(lambda: pytest.fail("nobody is to be asked"))
    editor.snapshot = Snapshot([SourceRow("vmc", notice="nothing came yet")])
    editor.add_source = lambda: asked.append(editor.entries.url)  # type: ignore[method-assign]
    renderer.resize(640, 360)
    board = Board(editor=editor)

    def draw() -> np.ndarray:
        return picture(renderer, None, front, board=board)

    plain = picture(renderer, None, front)
    draw()
    left, top, _, bottom = box(changed(plain, draw()))
    assert left > 320 and bottom < 360
    io = imgui.get_io()
    for y in np.linspace(top, bottom, 24):  # down the panel, until a field takes the click
        io.add_mouse_pos_event(left + 40.0, float(y))
        draw()
        for down in (True, False):
            io.add_mouse_button_event(0, down)
            draw()
        if renderer.holds_keys:
            break
    assert renderer.holds_keys and renderer.holds_mouse
    io.add_input_characters_utf8("vmc://0.0.0.0:39540")
    draw()
    for down in (True, False):
        io.add_key_event(imgui.Key.enter, down)
        draw()
    assert asked == ["vmc://0.0.0.0:39540"]
    draw()
    assert not renderer.holds_keys


@pytest.mark.parametrize("recording", [False, True])
def test_a_take_is_begun_and_ended_by_a_button(
    renderer: Renderer, front: Camera, recording: bool
) -> None:
    asked: list[bool] = []
    editor = Editor(lambda: pytest.fail("nobody is to be asked"))
    editor.recording = recording
    editor.record = asked.append  # type: ignore[method-assign]
    renderer.resize(640, 360)
    board = Board(editor=editor)
    plain = picture(renderer, None, front)
    for _ in range(2):
        seen = picture(renderer, None, front, board=board)
    left, top, _, bottom = box(changed(plain, seen))
    io = imgui.get_io()
    for y in range(top + 8, bottom, 8):
        io.add_mouse_pos_event(left + 30.0, float(y))
        for down in (True, False):
            io.add_mouse_button_event(0, down)
            picture(renderer, None, front, board=board)
        if asked:
            break
    io.add_mouse_pos_event(1.0, 1.0)
    picture(renderer, None, front, board=board)
    assert asked == [recording]


def test_a_window_of_any_size_shows_panels_that_do_not_cover_one_another(
    renderer: Renderer, front: Camera
) -> None:
    rows = [("stage", "60.0 Hz")] * 14
    for size in ((64, 64), (200, 900), (1600, 200), (420, 300)):
        renderer.resize(*size)
        editor = Editor(lambda: pytest.fail("nobody is to be asked"))
        board = Board("understudy", rows=rows, notice="x" * 200, hints="a b   c d" * 40,
                      caption="y" * 300, editor=editor)  # fmt: skip
        for _ in range(2):
            picture(
                renderer, frame_of(standing(name="n" * 256)), front, board, hud=True, labels=True
            )
        hud = renderer.annotations._hud
        assert hud is not None
        for a, b in itertools.combinations(hud.taken, 2):
            across = a[0] < b[0] + b[2] and b[0] < a[0] + a[2]
            assert not (across and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]), (size, a, b)

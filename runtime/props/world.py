"""The world as MuJoCo has it: floor and set that stand still, props, and bodies as capsules.

What moves by its own will, limbs and tracked props, is a free body whose place and velocity are
written before every step. So it has its speed, where MuJoCo's own mocap bodies have none, and
nothing can hold it up: a hand of 6 m/s moves a box, and the solver has no welds to solve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import materials, shapes
from .limbs import Limb, limbs
from .materials import Material
from .shapes import Solid
from .surroundings import Ground
from .table import PropTable

# Who meets whom: a geom's own bit, and the bits that it meets.
_THINGS, _HINGED, _FIRST_BODY, _BODIES = 1, 2, 8, 27
# Geoms of what moves, which rays do not see.
_MOVING, _STANDING = 1, np.array([1, 0, 0, 0, 0, 0], np.uint8)
_EVERYBODY = sum(_FIRST_BODY << k for k in range(_BODIES))
# A contact is a spring of this frequency with the damping that its restitution asks for: stiff
# enough that nothing is seen to sink, soft enough for a step of 1/240 s.
CONTACT_RAD_S = 200.0
# Flesh gives way more: a crate that somebody sits on is squeezed, and not shot away.
_FLESH_S = 0.02
_OUT_S = 0.1
_FAR_M = 0.02
GRAVITY = (0.0, -9.81, 0.0)
# A door that is let go comes to rest within about this, a drawer within that.
_SWINGS_S, _SLIDES_S = 1.2, 0.4
_ROLLS = 0.0015  # rolling friction, m, of what is round
# What is driven from outside pushes as if it weighed so much.
_DRIVEN_KG = 40.0
_LIMB_KG = 3.0  # and is heard as if it weighed this
_Y_UP = (2.0**-0.5, -(2.0**-0.5), 0.0, 0.0)  # w x y z: takes MuJoCo's +Z to our +Y

Quat = tuple[float, float, float, float]


@dataclass(frozen=True)
class Owner:
    """Whose a geom is: `kind` is floor, prop or body; `joint` a limb's role."""

    kind: str
    name: str
    joint: str = ""
    material: str = materials.GROUND


@dataclass(eq=False)
class Moved:
    """A prop that physics moves: its body, where its numbers stand in qpos and qvel, its geoms."""

    table: PropTable
    pieces: list[Solid]
    body: int = 0
    q: int = 0
    v: int = 0
    geoms: list[int] = field(default_factory=list)
    mark: Array = field(default_factory=lambda: np.zeros(7))  # place at its mark, then w x y z
    grown: float | None = None  # by how much it is heavier, as long as a hand is behind it

    @property
    def free(self) -> bool:
        return self.table.hinge is None and self.table.slide is None


@dataclass(eq=False)
class Driven:
    """A body that is moved from outside: a limb of a subject, or a tracked prop."""

    name: str  # the subject's or the prop's
    limb: Limb | None
    body: int = 0
    geoms: list[int] = field(default_factory=list)


class World:
    """A compiled model and its state. Driven bodies come last in qpos and qvel."""

    def __init__(
        self,
        props: Sequence[tuple[PropTable, list[Solid]]],
        ground: Ground,
        cast: Mapping[str, Skeleton],
        step_s: float,
    ) -> None:
        spec = mujoco.MjSpec()
        spec.compiler.degree = False
        option = spec.option
        option.timestep, option.gravity = step_s, GRAVITY
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        # What is no number is put back to its mark by us, one by one.
        option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
        # What would pass through something within one step meets it all the same.
        option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SPECULATIVE)
        self._spec, self._meshes = spec, 0
        self._owners: dict[str, Owner] = {}
        self.moved = [Moved(t, p) for t, p in props if t.moves]
        self.moved.sort(key=lambda one: not one.free)
        self.driven = [Driven(t.name, None) for t, _ in props if t.tracked]
        self.bits: dict[str, int] = {}
        self._stand(ground)
        for table, solids in props:
            if table.static:
                self._still(table, solids)
        for one in self.moved:
            self._move(one)
        for tracked in self.driven:
            self._track(tracked, props)
        for number, (name, skeleton) in enumerate(cast.items()):
            self.bits[name] = _FIRST_BODY << (number % _BODIES)
            for limb in limbs(skeleton):
                self.driven.append(self._limb(name, limb))
        self.model: mujoco.MjModel = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._parts, self._soft_s = 1, self.model.geom_solref[:, 0].copy()
        self._index(props)
        mujoco.mj_forward(self.model, self.data)

    # What is put in.

    def _stand(self, ground: Ground) -> None:
        base, kept = self._spec.worldbody, dict(_surface(materials.FLOOR))
        kept |= {"contype": 0, "conaffinity": _THINGS}
        plane = mujoco.mjtGeom.mjGEOM_PLANE
        self._own(
            base.add_geom(
                type=plane, size=[0, 0, 1], pos=[0, ground.level_m, 0], quat=_Y_UP, **kept
            ),
            Owner("floor", "floor"),
        )
        for name, solid in ground.solids:
            self._add(base, solid, Owner("floor", name), kept)
        for relief in ground.reliefs:
            rows, columns = relief.heights_m.shape
            low, high = float(relief.heights_m.min()), float(relief.heights_m.max())
            span = max(high - low, 1e-3)
            named = f"relief{len(self._owners)}"
            self._spec.add_hfield(
                name=named, nrow=rows, ncol=columns,
                size=[0.5 * relief.size_m[0], 0.5 * relief.size_m[1], span, 1.0],
                userdata=((relief.heights_m - low) / span).ravel().tolist(),
            )  # fmt: skip
            at = [relief.at_m[0], low, relief.at_m[1]]
            geom = base.add_geom(
                type=mujoco.mjtGeom.mjGEOM_HFIELD, hfieldname=named, pos=at, quat=_Y_UP, **kept
            )
            self._own(geom, Owner("floor", "floor"))

    def _still(self, table: PropTable, solids: list[Solid]) -> None:
        at, turn = shapes.mark(table, solids)
        body = self._spec.worldbody.add_body(name=table.name, pos=at.tolist(), quat=wxyz(turn))
        kept = dict(_surface(table.made_of)) | {"contype": 0, "conaffinity": _THINGS | _EVERYBODY}
        for solid in solids:
            self._add(body, solid, _prop(table), kept)

    def _move(self, one: Moved) -> None:
        table = one.table
        at, turn = shapes.mark(table, one.pieces)
        one.mark = np.array([*at, *wxyz(turn)])
        body = self._spec.worldbody.add_body(name=table.name, pos=at.tolist(), quat=wxyz(turn))
        contype, meets = _THINGS, _THINGS | _HINGED | _EVERYBODY
        if one.free:
            body.add_freejoint()
        else:
            contype, meets = _HINGED, _THINGS | _EVERYBODY
            self._hang(body, one)
        self._solid(body, table, one.pieces, contype, meets)

    def _hang(self, body: mujoco.MjsBody, one: Moved) -> None:
        table, mass = one.table, mass_kg(one.table, one.pieces)
        hinge, slide = table.hinge, table.slide
        if hinge is not None:
            low, high = shapes.bounds(one.pieces)
            far = float(np.linalg.norm(np.maximum(np.abs(low), np.abs(high)) + np.abs(hinge.at_m)))
            damping = mass * far * far / 3.0 / _SWINGS_S
            kind, axis, at = mujoco.mjtJoint.mjJNT_HINGE, hinge.axis, hinge.at_m
            between = np.radians(hinge.range_deg).tolist()
        else:
            assert slide is not None
            damping, kind, axis = mass / _SLIDES_S, mujoco.mjtJoint.mjJNT_SLIDE, slide.axis
            at, between = (0.0, 0.0, 0.0), list(slide.range_m)
        joint = body.add_joint(type=kind, axis=list(axis), pos=list(at), range=between)
        joint.limited, joint.damping = mujoco.mjtLimited.mjLIMITED_TRUE, [damping, 0.0, 0.0]

    def _track(self, one: Driven, props: Sequence[tuple[PropTable, list[Solid]]]) -> None:
        table, solids = next((t, s) for t, s in props if t.name == one.name)
        body = self._spec.worldbody.add_body(name=table.name, pos=[0, -10, 0])
        body.add_freejoint()
        weighs = max(_DRIVEN_KG, mass_kg(table, solids))
        self._solid(body, table, solids, _THINGS, _THINGS | _HINGED | _EVERYBODY, weighs)

    def _limb(self, name: str, limb: Limb) -> Driven:
        body = self._spec.worldbody.add_body(pos=[0, -10, 0])
        body.add_freejoint()
        solid = Solid("capsule", (limb.radius_m, limb.half_m))
        kept = dict(_surface(materials.BODY)) | {"contype": self.bits[name], "conaffinity": 0}
        kept |= {"density": _DRIVEN_KG / solid.volume, "priority": 1, "solref": [_FLESH_S, 1.0]}
        kept["group"] = _MOVING
        self._add(body, solid, Owner("body", name, limb.name, materials.FLESH), kept)
        return Driven(name, limb)

    def _solid(
        self, body: mujoco.MjsBody, table: PropTable, solids: list[Solid], contype: int, meets: int,
        weighs: float | None = None,
    ) -> None:  # fmt: skip
        density = (weighs or mass_kg(table, solids)) / max(sum(s.volume for s in solids), 1e-9)
        kept = dict(_surface(table.made_of)) | {"contype": contype, "conaffinity": meets}
        for solid in solids:
            self._add(body, solid, _prop(table), kept | {"density": density, "group": _MOVING})

    def _add(self, body: mujoco.MjsBody, solid: Solid, owner: Owner, kept: dict) -> None:
        geom = mujoco.mjtGeom
        words = {"pos": list(solid.at), "quat": wxyz(np.array(solid.turn))} | kept
        if solid.kind == "hull":
            assert solid.corners is not None
            named = f"hull{self._meshes}"
            self._meshes += 1
            mesh = self._spec.add_mesh(name=named, uservert=solid.corners.ravel().tolist())
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
            made = body.add_geom(type=geom.mjGEOM_MESH, meshname=named, **words)
        elif solid.kind == "box":
            made = body.add_geom(type=geom.mjGEOM_BOX, size=list(solid.size), **words)
        elif solid.kind == "sphere":
            size = [solid.size[0], 0.0, 0.0]
            made = body.add_geom(type=geom.mjGEOM_SPHERE, size=size, **words)
        else:
            kind = geom.mjGEOM_CYLINDER if solid.kind == "cylinder" else geom.mjGEOM_CAPSULE
            words["quat"] = _along_y(words["quat"])
            made = body.add_geom(type=kind, size=[*solid.size, 0.0], **words)
        if solid.kind in ("sphere", "cylinder", "capsule") and owner.kind == "prop":
            made.condim = 6
            made.friction = [made.friction[0], 0.01, _ROLLS]
        self._own(made, owner)

    def _own(self, geom: mujoco.MjsGeom, owner: Owner) -> None:
        geom.name = f"g{len(self._owners)}"
        self._owners[geom.name] = owner

    def _index(self, props: Sequence[tuple[PropTable, list[Solid]]]) -> None:
        model = self.model
        tables = {table.name: table for table, _ in props}
        pieces = {table.name: solids for table, solids in props}
        self.owners = [self._owners[model.geom(n).name] for n in range(model.ngeom)]
        # Bodies of props and limbs are in the order in which they were put in; statics before them.
        first = model.nbody - len(self.moved) - len(self.driven)
        everything: list[Moved | Driven] = [*self.moved, *self.driven]
        for number, it in enumerate(everything):
            it.body = first + number
            start, count = model.body_geomadr[it.body], model.body_geomnum[it.body]
            it.geoms = list(range(start, start + count))
        for one in self.moved:
            joint = model.body_jntadr[one.body]
            one.q, one.v = int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
        self.free = [one for one in self.moved if one.free]
        self.hung = [one for one in self.moved if not one.free]
        self.driven_q = 7 * len(self.free) + len(self.hung)
        self.driven_v = 6 * len(self.free) + len(self.hung)
        self.named = {one.table.name: one for one in self.moved}
        # One over the square of the least measure of each.
        thin_m = np.array([shapes.thickness_m(one.pieces) for one in self.free])
        self.thin_share = 1.0 / np.maximum(thin_m, 0.01) ** 2
        # Who goes less far than this in a step, along each axis, is in no danger.
        thinnest_m = float(np.maximum(thin_m, 0.01).min(initial=1.0))
        self.calm_m = min(_FAR_M, 0.5 * thinnest_m) / 3.0**0.5
        # One over what a body weighs, for impulses: 0 of what stands still.
        self.lightness = np.zeros(model.nbody)
        for one in self.moved:
            self.lightness[one.body] = model.body_invweight0[one.body, 0]
        for driven in self.driven:
            table = tables.get(driven.name) if driven.limb is None else None
            kg = _LIMB_KG if table is None else mass_kg(table, pieces[driven.name])
            self.lightness[driven.body] = 1.0 / kg

    # What is done with it.

    def refine(self, step_s: float, parts: int) -> None:
        """Makes steps in so many parts, and contacts as much stiffer.

        So what comes fast goes no deeper into a wall than what comes slowly.
        """
        if parts != self._parts:
            self.model.opt.timestep = step_s / parts
            self.model.geom_solref[:, 0] = self._soft_s / parts
            self._parts = parts

    def reset(self, one: Moved) -> None:
        """Puts a prop back to its mark, at rest."""
        if one.free:
            self.data.qpos[one.q : one.q + 7] = one.mark
            self.data.qvel[one.v : one.v + 6] = 0.0
        else:
            self.data.qpos[one.q] = self.data.qvel[one.v] = 0.0

    def take_over(self, other: World) -> None:
        """Props stand and move as they did in another world."""
        for name, one in self.named.items():
            was = other.named.get(name)
            if was is not None and was.free == one.free:
                q, v = (7, 6) if one.free else (1, 1)
                self.data.qpos[one.q : one.q + q] = other.data.qpos[was.q : was.q + q]
                self.data.qvel[one.v : one.v + v] = other.data.qvel[was.v : was.v + v]

    def place(self, one: Moved) -> tuple[Array, Array]:
        """Where a prop is: (3,), and (4,) x y z w."""
        if one.free:
            q = self.data.qpos[one.q : one.q + 7]
            return q[:3].copy(), q[[4, 5, 6, 3]]
        turn = rotation.normalize(one.mark[[4, 5, 6, 3]])
        at, q = one.mark[:3], float(self.data.qpos[one.q])
        table = one.table
        if table.slide is not None:
            return at + q * rotation.rotate(turn, _unit(table.slide.axis)), turn
        assert table.hinge is not None
        swing = rotation.from_axis_angle(_unit(table.hinge.axis), q)
        anchor = np.array(table.hinge.at_m)
        swung = rotation.multiply(turn, swing)
        return at + rotation.rotate(turn, anchor) - rotation.rotate(swung, anchor), swung

    def along(self, one: Moved, point: Array) -> float:
        """How far along a hung prop's way a point (3,) is: an angle about its hinge, or metres."""
        turn, table = one.mark[[4, 5, 6, 3]], one.table
        own = rotation.rotate(rotation.conjugate(turn), point - one.mark[:3])
        if table.slide is not None:
            return float(own @ _unit(table.slide.axis))
        assert table.hinge is not None
        axis = _unit(table.hinge.axis)
        u = rotation.normalize(np.cross(axis, np.eye(3)[np.abs(axis).argmin()]))
        arm = own - np.array(table.hinge.at_m)
        return float(np.arctan2(arm @ np.cross(axis, u), arm @ u))

    def keep_out(self, before: Array) -> int:
        """Keeps middles of free props, which were at (F, 3), on their side of what stands still.

        What is crushed between something heavy and a wall would else be on its other side. Gives
        how many were.
        """
        poses = self.data.qpos[: 7 * len(self.free)].reshape(-1, 7)
        moves = poses[:, :3] - before
        kept = 0
        for n in np.flatnonzero(np.einsum("ij,ij->i", moves, moves) > _FAR_M**2).tolist():
            there = np.zeros(1, np.int32)
            share = mujoco.mj_ray(
                self.model, self.data, before[n], moves[n], _STANDING, 1, -1, there, None
            )
            if 0.0 <= share <= 1.0:
                way = rotation.normalize(moves[n])
                poses[n, :3] = before[n]
                v = self.data.qvel[self.free[n].v : self.free[n].v + 3]
                v -= float(v @ way) * way
                kept += 1
        return kept

    def depth_m(self, one: Moved) -> float:
        """How deep a prop is in something, as of the last step."""
        contact = self.data.contact
        mine = np.isin(contact.geom, one.geoms).any(1)
        return float(-contact.dist[mine].min(initial=0.0))

    def soften(self, one: Moved, soft: bool) -> None:
        """A prop that was let go inside something is pushed out of it, and not shot."""
        usual = _surface(one.table.made_of)["solref"]
        self._soft_s[one.geoms] = _OUT_S if soft else usual[0]
        self.model.geom_solref[one.geoms, 0] = self._soft_s[one.geoms] / self._parts
        self.model.geom_solref[one.geoms, 1] = 1.0 if soft else usual[1]
        self.model.geom_priority[one.geoms] = 2 if soft else 0

    def weigh(self, one: Moved, heavy: bool) -> None:
        """A prop in a hand has the hand's weight behind it, so that it pushes as a limb does."""
        if not one.free or (one.grown is not None) is heavy:
            return
        model, dofs = self.model, slice(one.v, one.v + 6)
        if heavy:
            one.grown = max(1.0, _DRIVEN_KG / float(model.body_mass[one.body]))
        assert one.grown is not None
        by = one.grown if heavy else 1.0 / one.grown
        model.body_mass[one.body] *= by
        model.body_inertia[one.body] *= by
        model.body_invweight0[one.body] /= by
        model.dof_invweight0[dofs] /= by
        if not heavy:
            one.grown = None

    def meet(self, one: Moved, bits: int) -> None:
        """A prop meets everybody but the subjects of these bits."""
        meets = _THINGS | _EVERYBODY | (_HINGED if one.free else 0)
        self.model.geom_conaffinity[one.geoms] = meets & ~bits


def mass_kg(table: PropTable, solids: list[Solid]) -> float:
    """What a prop weighs."""
    if table.mass_kg is not None:
        return table.mass_kg
    return max(table.made_of.density * sum(s.volume for s in solids), 0.01)


def _unit(axis: tuple[float, float, float]) -> Array:
    return rotation.normalize(np.array(axis, float))


def _prop(table: PropTable) -> Owner:
    return Owner("prop", table.name, "", table.material)


def _surface(made_of: Material) -> dict:
    """Friction and bounce of a material as MuJoCo's contact parameters."""
    ratio = damping_ratio(made_of.restitution)
    return {
        "friction": [made_of.friction, 0.005, 0.0001],
        # MuJoCo takes the mean of the two that meet where they are of this form.
        "solref": [1.0 / (CONTACT_RAD_S * ratio), ratio],
    }


def damping_ratio(restitution: float) -> float:
    """Of a spring and damper whose contact gives back that share of the speed."""
    if restitution <= 0.02:
        return 1.0
    log = float(np.log(restitution))
    return -log / float(np.hypot(np.pi, log))


def wxyz(turn: Array) -> list[float]:
    """A quaternion x y z w as MuJoCo has it."""
    x, y, z, w = (float(v) for v in turn)
    return [w, x, y, z]


def _along_y(quat: list[float]) -> list[float]:
    """A quaternion w x y z after one that lays MuJoCo's +Z along our +Y."""
    out = np.zeros(4)
    mujoco.mju_mulQuat(out, np.array(quat), np.array(_Y_UP))
    return out.tolist()

"""Where everything lies in a message: tables laid out by flatc's builder, their numbers still 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import flatbuffers
import numpy as np

from understudy.bridge.schema.understudy_fb import Camera as fb_camera
from understudy.bridge.schema.understudy_fb import Frame as fb_frame
from understudy.bridge.schema.understudy_fb import Intent as fb_intent
from understudy.bridge.schema.understudy_fb import Prop as fb_prop
from understudy.bridge.schema.understudy_fb import Skeleton as fb_skeleton
from understudy.bridge.schema.understudy_fb import SkeletonSet as fb_set
from understudy.bridge.schema.understudy_fb import Subject as fb_subject
from understudy.bridge.schema.understudy_fb.Quat import CreateQuat
from understudy.bridge.schema.understudy_fb.Vec2 import CreateVec2
from understudy.bridge.schema.understudy_fb.Vec3 import CreateVec3
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject
from understudy.runtime.core.skeleton import Skeleton

# The bytes of a finished FlatBuffer, a multiple of 8 of them, and where in them its root table is.
Block = tuple[bytearray, int]
REASON_STEP = 32


def lay_out(thing: Frame | Subject | Camera | Prop) -> Block:
    """A block for a thing of this shape: its strings and lengths are set, its numbers are not."""
    builder = flatbuffers.Builder(2048)
    builder.ForceDefaults(True)  # a number that is 0 today needs its place tomorrow
    if isinstance(thing, Frame):
        return _finished(builder, _frame(builder, thing))
    if isinstance(thing, Subject):
        return _finished(builder, _subject(builder, thing))
    if isinstance(thing, Camera):
        return _finished(builder, _camera(builder, thing))
    return _finished(builder, _prop(builder, thing))


def _frame(builder: flatbuffers.Builder, frame: Frame) -> int:
    """Its subjects, cameras and props are vectors of places, to be filled with offsets."""
    timecode = builder.CreateString(frame.timecode)
    groups = [
        _offsets(builder, [0] * len(group)) if group else None
        for group in (frame.subjects, frame.cameras, frame.props)
    ]
    names = _strings(builder, frame.stats)
    values = builder.CreateNumpyVector(np.zeros(len(frame.stats), "<f8"))
    fb_frame.Start(builder)
    fb_frame.AddSequence(builder, 0)
    fb_frame.AddSession(builder, 0)
    fb_frame.AddPublished(builder, 0)
    fb_frame.AddCaptureNs(builder, 0)
    fb_frame.AddPublishNs(builder, 0)
    fb_frame.AddTimecode(builder, timecode)
    fb_frame.AddRateNum(builder, 0)
    fb_frame.AddRateDen(builder, 0)
    fb_frame.AddDropFrame(builder, False)
    adders = (fb_frame.AddSubjects, fb_frame.AddCameras, fb_frame.AddProps)
    for add, vector in zip(adders, groups, strict=True):
        if vector is not None:
            add(builder, vector)
    fb_frame.AddStatNames(builder, names)
    fb_frame.AddStatValues(builder, values)
    return int(fb_frame.End(builder))


def _subject(builder: flatbuffers.Builder, subject: Subject) -> int:
    joints = len(subject.pose.rotations)
    name = builder.CreateString(subject.name)
    reason = builder.CreateString(bytes(reason_room(subject.reason)))
    positions = builder.CreateNumpyVector(np.zeros(joints * 3, "<f4"))
    rotations = builder.CreateNumpyVector(np.zeros(joints * 4, "<f4"))
    contact_joints = builder.CreateNumpyVector(np.zeros(len(subject.contacts), "<u2"))
    contact_weights = builder.CreateNumpyVector(np.zeros(len(subject.contacts), "<f4"))
    trajectory = builder.CreateNumpyVector(np.zeros(len(subject.trajectory) * 4, "<f4"))
    curves = doubts = None
    if len(subject.joint_uncertainty_m):
        doubts = builder.CreateNumpyVector(np.zeros(joints, "<f4"))
    if len(subject.curves):
        curves = builder.CreateNumpyVector(np.zeros(len(subject.curves), "<f4"))
    intent = None
    if subject.intent is not None:
        fb_intent.Start(builder)
        fb_intent.AddTravel(builder, CreateVec2(builder, 0.0, 0.0))
        fb_intent.AddFacing(builder, CreateVec2(builder, 0.0, 0.0))
        fb_intent.AddButtons(builder, 0)
        fb_intent.AddCaptureNs(builder, 0)
        intent = fb_intent.End(builder)
    fb_subject.Start(builder)
    fb_subject.AddName(builder, name)
    fb_subject.AddSkeletonId(builder, subject.skeleton.id)
    fb_subject.AddState(builder, 0)
    fb_subject.AddReason(builder, reason)
    fb_subject.AddPositions(builder, positions)
    fb_subject.AddRotations(builder, rotations)
    fb_subject.AddContactJoints(builder, contact_joints)
    fb_subject.AddContactWeights(builder, contact_weights)
    fb_subject.AddTrajectory(builder, trajectory)
    if intent is not None:
        fb_subject.AddIntent(builder, intent)
    if curves is not None:
        fb_subject.AddCurves(builder, curves)
    if doubts is not None:
        fb_subject.AddJointUncertaintyM(builder, doubts)
    fb_subject.AddUncertaintyM(builder, 0.0)
    fb_subject.AddCaptureNs(builder, 0)
    return int(fb_subject.End(builder))


def reason_room(reason: str) -> int:
    """Bytes kept for a reason, in whole steps: a count of seconds in it needs no new layout."""
    return -(-len(reason.encode()) // REASON_STEP) * REASON_STEP


def _camera(builder: flatbuffers.Builder, camera: Camera) -> int:
    name = builder.CreateString(camera.name)
    reason = builder.CreateString(bytes(reason_room(camera.reason)))
    fb_camera.Start(builder)
    fb_camera.AddName(builder, name)
    fb_camera.AddPosition(builder, CreateVec3(builder, 0.0, 0.0, 0.0))
    fb_camera.AddRotation(builder, CreateQuat(builder, 0.0, 0.0, 0.0, 1.0))
    fb_camera.AddFocalMm(builder, 0.0)
    fb_camera.AddSensorWidthMm(builder, 0.0)
    fb_camera.AddSensorHeightMm(builder, 0.0)
    fb_camera.AddFocusM(builder, 0.0)
    fb_camera.AddIris(builder, 0.0)
    fb_camera.AddState(builder, 0)
    fb_camera.AddReason(builder, reason)
    fb_camera.AddCaptureNs(builder, 0)
    return int(fb_camera.End(builder))


def _prop(builder: flatbuffers.Builder, prop: Prop) -> int:
    name = builder.CreateString(prop.name)
    reason = builder.CreateString(bytes(reason_room(prop.reason)))
    fb_prop.Start(builder)
    fb_prop.AddName(builder, name)
    fb_prop.AddPosition(builder, CreateVec3(builder, 0.0, 0.0, 0.0))
    fb_prop.AddRotation(builder, CreateQuat(builder, 0.0, 0.0, 0.0, 1.0))
    fb_prop.AddState(builder, 0)
    fb_prop.AddReason(builder, reason)
    fb_prop.AddCaptureNs(builder, 0)
    return int(fb_prop.End(builder))


def skeleton_set(skeletons: Iterable[Skeleton]) -> bytes:
    """The FlatBuffer that holds all of these skeletons."""
    builder = flatbuffers.Builder(4096)
    tables = []
    for skeleton in skeletons:
        names = _strings(builder, skeleton.names)
        curves = _strings(builder, skeleton.curve_names)
        character = builder.CreateString(skeleton.character) if skeleton.character else 0
        parents = builder.CreateNumpyVector(skeleton.parents.astype("<i4"))
        doubles = [
            builder.CreateNumpyVector(array.astype("<f8").ravel())
            for array in (skeleton.rest_positions, skeleton.rest_rotations, skeleton.tips)
        ]
        fb_skeleton.Start(builder)
        fb_skeleton.AddSkeletonId(builder, skeleton.id)
        fb_skeleton.AddNames(builder, names)
        fb_skeleton.AddParents(builder, parents)
        fb_skeleton.AddRestPositions(builder, doubles[0])
        fb_skeleton.AddRestRotations(builder, doubles[1])
        fb_skeleton.AddTips(builder, doubles[2])
        fb_skeleton.AddCurveNames(builder, curves)
        if character:
            fb_skeleton.AddCharacter(builder, character)
        tables.append(fb_skeleton.End(builder))
    vector = _offsets(builder, tables)
    fb_set.Start(builder)
    fb_set.AddSkeletons(builder, vector)
    builder.Finish(fb_set.End(builder))
    return bytes(builder.Output())


def _finished(builder: flatbuffers.Builder, root: int) -> Block:
    builder.Finish(root)
    data = bytearray(builder.Output())
    data += bytes(-len(data) % 8)
    return data, int.from_bytes(data[:4], "little")


def _strings(builder: flatbuffers.Builder, texts: Iterable[str]) -> int:
    return _offsets(builder, [builder.CreateString(text) for text in texts])


def _offsets(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    """A vector of offsets; 0 stands for one that is not known yet."""
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        if table:
            builder.PrependUOffsetTRelative(table)
        else:
            builder.PrependUint32(0)
    return int(builder.EndVector())

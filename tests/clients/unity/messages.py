"""Messages by flatc's builder: its own layout, and face curves."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers
import numpy as np

from understudy.bridge.schema.understudy_fb import Camera, Frame, Skeleton, SkeletonSet, Subject
from understudy.bridge.schema.understudy_fb.Quat import CreateQuat
from understudy.bridge.schema.understudy_fb.Vec3 import CreateVec3
from understudy.runtime.core.skeleton import Skeleton as Tree


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def skeletons_with_curves(tree: Tree, curves: Sequence[str], skeleton_id: int) -> bytes:
    """A SKEL message of one skeleton that has face curves."""
    builder = flatbuffers.Builder()
    names = _vector(builder, [builder.CreateString(name) for name in tree.names])
    faces = _vector(builder, [builder.CreateString(name) for name in curves])
    arrays = (tree.parents, tree.rest_positions, tree.rest_rotations, tree.tips)
    kinds = ("<i4", "<f8", "<f8", "<f8")
    vectors = [builder.CreateNumpyVector(a.astype(k).ravel()) for a, k in zip(arrays, kinds)]
    Skeleton.Start(builder)
    Skeleton.AddCurveNames(builder, faces)
    Skeleton.AddNames(builder, names)
    Skeleton.AddParents(builder, vectors[0])
    Skeleton.AddRestPositions(builder, vectors[1])
    Skeleton.AddRestRotations(builder, vectors[2])
    Skeleton.AddTips(builder, vectors[3])
    Skeleton.AddSkeletonId(builder, skeleton_id)
    cast = _vector(builder, [Skeleton.End(builder)])
    SkeletonSet.Start(builder)
    SkeletonSet.AddSkeletons(builder, cast)
    builder.Finish(SkeletonSet.End(builder))
    return b"SKEL\1\0\0\0" + bytes(builder.Output())


def frame_with_curves(
    tree: Tree, curves: Sequence[float], skeleton_id: int, camera: Sequence[float] = ()
) -> bytes:
    """A FRAM message of one subject at rest with a face, and a camera's ten numbers if given.

    camera: focal, width, height, focus, iris, then position; it looks along the stage's -Z.
    """
    builder = flatbuffers.Builder()
    name = builder.CreateString("Ann")
    positions = builder.CreateNumpyVector(tree.rest_positions.astype("<f4").ravel())
    rotations = builder.CreateNumpyVector(tree.rest_rotations.astype("<f4").ravel())
    values = builder.CreateNumpyVector(np.array(curves, "<f4"))
    Subject.Start(builder)
    Subject.AddName(builder, name)
    Subject.AddSkeletonId(builder, skeleton_id)
    Subject.AddPositions(builder, positions)
    Subject.AddRotations(builder, rotations)
    Subject.AddCurves(builder, values)
    cast = _vector(builder, [Subject.End(builder)])
    cameras = None
    if len(camera):
        name = builder.CreateString("A")
        Camera.Start(builder)
        Camera.AddName(builder, name)
        Camera.AddPosition(builder, CreateVec3(builder, *camera[5:8]))
        Camera.AddRotation(builder, CreateQuat(builder, 0.0, 0.0, 0.0, 1.0))
        Camera.AddFocalMm(builder, camera[0])
        Camera.AddSensorWidthMm(builder, camera[1])
        Camera.AddSensorHeightMm(builder, camera[2])
        Camera.AddFocusM(builder, camera[3])
        Camera.AddIris(builder, camera[4])
        cameras = _vector(builder, [Camera.End(builder)])
    Frame.Start(builder)
    Frame.AddPublishNs(builder, 1)
    Frame.AddSubjects(builder, cast)
    if cameras is not None:
        Frame.AddCameras(builder, cameras)
    builder.Finish(Frame.End(builder))
    return b"FRAM\1\0\0\0" + bytes(builder.Output())

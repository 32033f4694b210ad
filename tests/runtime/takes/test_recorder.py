"""The recorder: whole files, one a subject."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.recorder import CHUNK_FRAMES, Recorder

BOX = Skeleton(("box",), np.array([-1]), np.zeros((1, 3)))


def subject(name: str, skeleton: Skeleton = PERFORMER) -> Subject:
    return Subject(name, skeleton, Pose.rest(skeleton))


def test_a_take_longer_than_a_chunk_is_written_frame_by_frame(tmp_path):
    frames = CHUNK_FRAMES + 7
    walker = subject("walker")
    with Recorder(tmp_path / "new" / "take.bvh", 60.0) as recorder:
        for frame in range(frames):
            walker.pose.positions[0, 2] = 0.01 * frame  # the stage rewrites the same arrays
            recorder.add([walker])
    (path,) = recorder.close()
    clip = bvh.read(path)
    assert path == tmp_path / "new" / "take.bvh"
    assert len(clip) == frames == recorder.frames
    assert np.allclose(clip.positions[:, 0, 2], 0.01 * np.arange(frames), atol=1e-6)


def test_every_subject_has_its_own_file(tmp_path):
    recorder = Recorder(tmp_path / "take.bvh", 60.0)
    for _ in range(3):
        recorder.add([subject("a"), subject("b/../c")])
    recorder.add([subject("a"), subject("b/../c"), subject("a", BOX)])
    paths = recorder.close()
    assert [p.name for p in paths] == ["take-a.bvh", "take-b_.._c.bvh", "take-a-2.bvh"]
    assert [len(bvh.read(p)) for p in paths] == [4, 4, 1]
    assert all(p.parent == tmp_path for p in paths)


def test_a_take_without_a_frame_writes_nothing(tmp_path):
    assert Recorder(tmp_path / "take.bvh", 60.0).close() == []
    assert not list(tmp_path.iterdir())


def test_closing_twice_writes_once(tmp_path):
    recorder = Recorder(tmp_path / "take.bvh", 60.0)
    recorder.add([subject("a")])
    assert recorder.close() == recorder.close() == [tmp_path / "take.bvh"]


def test_a_broken_pose_is_held_over_and_counted(tmp_path):
    recorder = Recorder(tmp_path / "take.bvh", 60.0)
    walker = subject("walker")
    for frame in range(6):
        walker.pose.positions[0, 0] = np.nan if frame in (0, 3, 4) else float(frame)
        recorder.add([walker])
    clip = bvh.read(*recorder.close())
    assert np.allclose(clip.positions[:, 0, 0], [1, 1, 2, 2, 2, 5], atol=1e-6)
    assert recorder.repaired == 3


def test_a_take_that_cannot_be_written_says_so_and_can_be_tried_again(tmp_path):
    (tmp_path / "file").write_text("")
    recorder = Recorder(tmp_path / "file" / "take.bvh", 60.0)
    recorder.add([subject("a")])
    with pytest.raises(UnderstudyError, match="cannot be written"):
        recorder.close()
    recorder.path = tmp_path / "take.bvh"
    assert recorder.close() == [tmp_path / "take.bvh"]

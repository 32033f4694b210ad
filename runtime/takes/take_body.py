"""What a subject wears in an exported scene: the mannequin, and a small chart of its face.

The mannequin has no face that could move. So that curves arrive as blend shapes under their own
names, to be wired to a character's, each is a bar of a chart before the head which it makes grow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh import store
from understudy.runtime.viewport.mesh.mannequin import Mesh

# Of the chart, beside a body of 1.75 m.
WIDTH_M, TALL_M, LOW_M, AHEAD_M = 0.16, 0.06, 0.002, 0.18


@dataclass(frozen=True)
class Chart:
    """Bars before a head: points (4K, 3), triangles (2K, 3); bar k has the points 4k .. 4k + 3.

    joint  whose motion it follows;  rise (K, 4, 3) what a curve of 1 adds to its bar's points
    """

    joint: int
    points: Array
    triangles: np.ndarray
    rise: Array


def mannequin(skeleton: Skeleton) -> tuple[Mesh, Array]:
    """The body in its bind pose, and that pose: world matrices (J, 4, 4) of the joints."""
    mesh = store.load(skeleton)
    return mesh, np.linalg.inv(mesh.unbind.astype(np.float64))


def chart(skeleton: Skeleton, bind: Array, count: int) -> Chart:
    """The chart of so many curves, in the bind pose."""
    role = roles(skeleton)
    joint = role.get("head", role.get("neck", len(skeleton) - 1))
    size = float(np.clip(np.ptp(bind[:, 1, 3]) / 1.6, 0.05, 5.0))
    left = bind[joint, :3, 3] + np.array([-0.5 * WIDTH_M, 0.0, AHEAD_M]) * size
    step = WIDTH_M / count
    corners = np.array([[0.1, 0.0], [0.9, 0.0], [0.9, 1.0], [0.1, 1.0]])
    points = np.zeros((count, 4, 3))
    points[..., 0] = (np.arange(count)[:, None] + corners[:, 0]) * step
    points[..., 1] = corners[:, 1] * LOW_M
    rise = np.zeros((count, 4, 3))
    rise[:, 2:, 1] = TALL_M * size
    first = 4 * np.arange(count)[:, None]
    triangles = np.concatenate(
        [first + np.array(corner) for corner in ((0, 1, 2), (0, 2, 3))], axis=1
    ).reshape(-1, 3)
    return Chart(joint, (left + points * size).reshape(-1, 3), triangles, rise)

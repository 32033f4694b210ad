"""The rest pose of a file's body: the user's, the file's own, or one found in the motion."""

from __future__ import annotations

from dataclasses import replace

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget import rest

from .clip import Clip, has_tpose_first_frame


def with_rest(clip: Clip, given: int | str | None, own: Array, what: str) -> Clip:
    """The clip with a rest pose that stands and faces +Z.

    given  what the user says: a frame, "t-pose" for the file's own, None to find one
    own    (J, 4) the file's own, local
    what   what that is called: "Its rest pose"
    """
    skeleton = clip.skeleton

    def resting(rotations: Array, *notes: str) -> Clip:
        posed = replace(skeleton, rest_rotations=rotations)
        return replace(clip, skeleton=posed, notes=(*clip.notes, *notes))

    if isinstance(given, int):
        if not 0 <= given < len(clip):
            raise UnderstudyError(
                f"{clip.name}: frame {given} cannot be the rest pose; there are 0 to "
                f"{len(clip) - 1}."
            )
        return resting(rest.facing(skeleton, clip.rotations[given]))
    if given not in (None, "t-pose"):
        raise UnderstudyError(f"The rest pose {given!r} is unknown: a frame's number, or t-pose.")
    stood = replace(skeleton, rest_rotations=own)
    stands = rest.stands(stood, stood.rest_globals[0])
    odd = rest.oddities(stood) if stands else ""
    if given == "t-pose" or (stands and not odd):
        return resting(own)
    calibrated = has_tpose_first_frame(clip)
    if stands:
        if calibrated:
            better, source = rest.facing(skeleton, clip.rotations[0]), "its first frame, a T-pose"
        else:
            better, source = rest.straightened(stood, clip.rotations), "that pose straightened"
        return resting(better, f"{what} is no T-pose: {odd}. Rest is {source} (--rest).")
    if calibrated:
        better, source = clip.rotations[0], "its first frame, a T-pose"
    else:
        better = rest.rest_of_motion(skeleton, clip.positions, clip.rotations)
        source = "the average bearing of the clip"
    return resting(better, f"{what} does not stand; rest is {source}.")

"""A take as an OpenTimelineIO timeline: a clip for the take, or one for each live cut."""

from __future__ import annotations

from pathlib import Path

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.files import whole

from .edit_list import edit_list
from .take_motion import Motion, description


def ready() -> None:
    """Refuses where the library is not installed."""
    try:
        import opentimelineio  # noqa: F401
    except ImportError:
        raise Failure(distribution.lacking("opentimelineio")) from None


def write(path: Path, motion: Motion) -> list[str]:
    """Writes it; gives what is to be said, each a sentence."""
    from opentimelineio import opentime, schema

    edits = edit_list(motion)
    rate = float(edits.rate)

    def span(start: int, stop: int) -> opentime.TimeRange:
        return opentime.TimeRange(
            opentime.RationalTime(start, rate), opentime.RationalTime(stop - start, rate)
        )

    first, last = edits.events[0].start, edits.events[-1].stop
    slate = motion.facts.get("slate", "") or motion.name
    timeline = schema.Timeline(
        slate,
        global_start_time=opentime.RationalTime(first, rate),
        metadata={"understudy": description(motion)},
    )
    track = schema.Track("picture", kind=schema.TrackKind.Video)
    timeline.tracks.append(track)
    for event in edits.events:
        clip = schema.Clip(
            f"{slate} {event.camera}".strip(),
            schema.ExternalReference(f"{motion.name}.mcap", span(first, last)),
            span(event.start, event.stop),
            {"understudy": {"camera": event.camera}},
        )
        for frame, text in edits.markers:
            if event.start <= frame < event.stop:
                clip.markers.append(schema.Marker(text, span(frame, frame + 1)))
        track.append(clip)
    with whole(path) as part:
        part.write_text(timeline.to_json_string(), encoding="utf-8")
    return edits.notes

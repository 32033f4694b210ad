"""What may be asked over the control socket, and the shape of an answer: msgpack maps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from understudy.runtime.core.event import Event
from understudy.runtime.core.silence import Then

from .security.rights import LISTEN, RECORD, STEER

# Every number has two bounds, which neither a NaN nor an infinity of msgpack's meets.
Axis = Annotated[float, Meta(ge=-1.0, le=1.0)]
Angle = Annotated[float, Meta(ge=-1e6, le=1e6)]
Name = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4096)]
TakeNumber = Annotated[int, Meta(ge=1, le=99_999)]
Metres = Annotated[float, Meta(ge=-1e6, le=1e6)]
# A list: of a text with a bound or a tuple, msgspec 0.23 breaks when the garbage is collected.
Point = Annotated[list[Metres], Meta(min_length=3, max_length=3)]
Side = Annotated[float, Meta(gt=0.0, le=1e3)]
Nanoseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Request(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="op"):
    """What every request has. `number` comes back in the reply; `peer` is set by the server."""

    number: Nanoseconds = 0
    peer: tuple[bytes, ...] = ()

    @property
    def op(self) -> str:
        return str(self.__struct_config__.tag)

    @property
    def right(self) -> str:
        """What a key has to be allowed for it; "": any right will do."""
        return STEER


class Hello(Request, kw_only=True, omit_defaults=True, tag="hello"):
    """Who calls; the reply has the stage's versions."""

    client: Name = ""

    @property
    def right(self) -> str:
        return ""


class Ping(Request, kw_only=True, omit_defaults=True, tag="ping"):
    """Asks for the stage's monotonic clock."""

    @property
    def right(self) -> str:
        return ""


class Pad(Request, kw_only=True, omit_defaults=True, tag="pad"):
    """A controller's state, sent at any rate, never answered.

    Sticks are x right, y forward, -1..1, relative to the camera's heading: the angle about +Y of
    where it looks, 0 along +Z, a quarter turn along +X. subject "" is whoever listens to pads.
    """

    left_stick: tuple[Axis, Axis] = (0.0, 0.0)
    right_stick: tuple[Axis, Axis] = (0.0, 0.0)
    buttons: Annotated[list[Name], Meta(max_length=32)] = []
    camera_heading_rad: Angle = 0.0
    capture_ns: Nanoseconds = 0
    subject: Name = ""


class Stats(Request, kw_only=True, omit_defaults=True, tag="stats"):
    """Asks for the stage's figures."""

    @property
    def right(self) -> str:
        return LISTEN


class Record(Request, kw_only=True, omit_defaults=True, tag="record"):
    """Starts a take at `path`, or stops the one that runs.

    path "" is the slate's next take, in `folder`, "" for the slate's own.
    """

    start: bool
    path: Annotated[str, Meta(max_length=4096)] = ""
    slate: Name = ""
    folder: Annotated[str, Meta(max_length=4096)] = ""

    @property
    def right(self) -> str:
        return RECORD


# Of a slate.
SLATE = ("project", "scene", "shot", "take", "description", "notes")


def said(one: msgspec.Struct, names: Iterable[str] = SLATE) -> dict[str, Any]:
    """What a struct says of these words; None is left as it is."""
    return {name: value for name in names if (value := getattr(one, name)) is not None}


class Slate(Request, kw_only=True, omit_defaults=True, tag="slate"):
    """Sets words of the slate; the reply has it as it is then. Without any it only tells.

    While a take runs, description and notes are of that take too. A take's number counts by
    itself; one that is given here is the next one's, where it is free.
    """

    project: Name | None = None
    scene: Name | None = None
    shot: Name | None = None
    take: TakeNumber | None = None
    description: Text | None = None
    notes: Text | None = None

    @property
    def words(self) -> dict[str, Any]:
        """What is to be set."""
        return said(self)

    @property
    def right(self) -> str:
        return RECORD if self.words else LISTEN


class Marker(Request, kw_only=True, omit_defaults=True, tag="marker"):
    """Marks a tick of the take that runs: `sequence`, or the one that is next on the wire."""

    text: Text = ""
    colour: Name = ""
    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None

    @property
    def right(self) -> str:
        return RECORD


class Circle(Request, kw_only=True, omit_defaults=True, tag="circle"):
    """Circles a take, or takes the circle away; path "" is the one that runs, or ran last."""

    path: Annotated[str, Meta(max_length=4096)] = ""
    circled: bool = True

    @property
    def right(self) -> str:
        return RECORD


class Style(Request, kw_only=True, omit_defaults=True, tag="style"):
    """Sets traits of a subject that the performer acts; subject "" is all of them.

    The reply has the traits as they are then; without any in the request it only tells.
    """

    subject: Name = ""
    traits: Annotated[dict[Name, Axis], Meta(max_length=32)] = {}

    @property
    def right(self) -> str:
        return STEER if self.traits else LISTEN


class LookAt(Request, kw_only=True, omit_defaults=True, tag="look_at"):
    """Has a subject that the performer acts look at something; subject "" is all of them.

    `at` is a point in the world, or a subject's or camera's name; "": along the way that it goes.
    """

    subject: Name = ""
    at: Name | Point = ""


class Go(Request, kw_only=True, omit_defaults=True, tag="go"):
    """Sends a subject on a pad to a place, [x, z] or [x, y, z]; subject "" is all, at_m [] nowhere.

    There it turns to heading_deg, if that is said, and does an action, by its name. A seat's place
    is where the hips come to rest. With hand_at_m, [x, y, z] in place of at_m, it goes to where a
    hand reaches there, and has it do so: it picks up or reaches, by the height.
    """

    subject: Name = ""
    at_m: Annotated[list[Metres], Meta(max_length=3)] = []
    heading_deg: Angle | None = None
    speed_mps: Annotated[float, Meta(gt=0.0, le=3.6)] = 1.3
    action: Name = ""
    hand_at_m: Annotated[list[Metres], Meta(max_length=3)] = []

    def __post_init__(self) -> None:
        if len(self.at_m) == 1:
            raise ValueError("at_m is [x, z] or [x, y, z]")
        if len(self.hand_at_m) not in (0, 3):
            raise ValueError("hand_at_m is [x, y, z]")
        if self.at_m and self.hand_at_m:
            raise ValueError("at_m and hand_at_m are two places; leave one of them out")


class Camera(Request, kw_only=True, omit_defaults=True, tag="camera"):
    """A camera of the sender's, at any rate, never answered; silent for 2 s, it leaves.

    In our axes: it looks along its own -Z with +Y up; metres, x y z w, millimetres. focus_m and
    iris are 0 where unknown.
    """

    name: Name
    position: tuple[Metres, Metres, Metres]
    rotation: tuple[Axis, Axis, Axis, Axis]
    focal_mm: Annotated[float, Meta(gt=0.0, le=1e4)] = 35.0
    sensor_mm: tuple[Side, Side] = (36.0, 24.0)
    focus_m: Annotated[float, Meta(ge=0.0, le=1e6)] = 0.0
    iris: Annotated[float, Meta(ge=0.0, le=1e3)] = 0.0


Triple = tuple[Metres, Metres, Metres]
Speed = Annotated[float, Meta(ge=0.0, le=1e4)]


class EventTable(msgspec.Struct, omit_defaults=True):
    """What an `Event` says (runtime/core/event.py), but for its number, which the stage gives."""

    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    who: Name = ""
    part: Name = ""
    on: Name = ""
    on_part: Name = ""
    material: Name = ""
    on_material: Name = ""
    position: Triple = (0.0, 0.0, 0.0)
    normal: Triple = (0.0, 1.0, 0.0)
    speed_mps: Speed = 0.0
    slip_mps: Speed = 0.0
    impulse_ns: Annotated[float, Meta(ge=0.0, le=1e6)] = 0.0
    time_ns: Nanoseconds = 0

    @property
    def event(self) -> Event:
        return Event(**{name: getattr(self, name) for name in self.__struct_fields__})


class Happened(Request, kw_only=True, omit_defaults=True, tag="happened"):
    """Things that happened: the stage counts them and tells everybody. Never answered.

    A time_ns of 0 is now. A cue, kind "cue" with its name as `who`, sets off what waits for it.
    """

    events: Annotated[list[EventTable], Meta(max_length=256)]


Turn = tuple[Axis, Axis, Axis, Axis]


class GripTable(msgspec.Struct, omit_defaults=True):
    """A hand on a prop: the prop's place and turn, and the palm, in its joint's frame."""

    who: Name
    joint: Name
    position: Triple
    rotation: Turn
    palm: Triple = (0.0, 0.0, 0.0)


class PropPlace(msgspec.Struct, omit_defaults=True):
    """Where a prop is; of one in hands the stage goes by the hands of the very frame that it
    sends."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    position: Triple
    rotation: Turn
    grips: Annotated[list[GripTable], Meta(max_length=8)] = []


class Props(Request, kw_only=True, omit_defaults=True, tag="props"):
    """All props of a simulation, at any rate, never answered; of one that falls silent they stay.

    sequence is that of the frame that they were reckoned of. In our axes: metres, x y z w.
    """

    props: Annotated[list[PropPlace], Meta(max_length=256)]
    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class OrderProp(Request, kw_only=True, omit_defaults=True, tag="order_prop"):
    """Has a subject take hold of a prop or let go of it, or puts props back to their marks.

    grab     with the hand that comes near it first, within 15 s; prop "" is the first that is near
    release  what it holds; hand "" is both
    reset    prop "" is all of them
    """

    what: Literal["grab", "release", "reset"]
    prop: Name = ""
    subject: Name = ""
    hand: Literal["", "left", "right"] = ""

    def __post_init__(self) -> None:
        if self.what != "reset" and not self.subject:
            raise ValueError(f"a {self.what} needs the subject that does it")


class ShowSession(Request, kw_only=True, omit_defaults=True, tag="session"):
    """Asks for the session as it is now: its tables, and the state of every source and subject.

    The reply has `session`, the tables of docs/session.md; `sources`, of each its name, line,
    notice, streams; `subjects`, of each its name, state, reason, place and what it is made of.
    """

    @property
    def right(self) -> str:
        return LISTEN


class AddSource(Request, kw_only=True, omit_defaults=True, tag="add_source"):
    """Opens a source: a line as `understudy stage --from` takes it. name "" is the line's own.

    Without `subject` it also brings a subject of its own where it has a body, as at the start.
    """

    url: Text
    name: Name = ""
    subject: bool = True


class RemoveSource(Request, kw_only=True, omit_defaults=True, tag="remove_source"):
    """Closes a source; subjects that are made of nothing else leave with it."""

    name: Name


class AddSubject(Request, kw_only=True, omit_defaults=True, tag="add_subject"):
    """Puts a subject on stage: a [[subject]] table of docs/session.md."""

    subject: dict[Name, Any]


class RemoveSubject(Request, kw_only=True, omit_defaults=True, tag="remove_subject"):
    """Takes a subject off stage; its sources stay."""

    name: Name


class RenameSubject(Request, kw_only=True, omit_defaults=True, tag="rename_subject"):
    """Gives a subject another name, under which receivers see it from the next tick on."""

    name: Name
    to: Name


class PlaceSubject(Request, kw_only=True, omit_defaults=True, tag="place_subject"):
    """Moves and turns a subject: what its source says is turned about +Y, then moved.

    A subject on a pad is stood on the mark.
    """

    name: Name
    at_m: tuple[Metres, Metres, Metres] = (0.0, 0.0, 0.0)
    heading_deg: Angle = 0.0


class ResetSubject(Request, kw_only=True, omit_defaults=True, tag="reset_subject"):
    """Puts a subject right where it stands now; name "" is everybody.

    heading  it faces +Z of the room, and stays where it is
    camera   it faces `towards`, [x, y, z], or the camera of a name, "" for the first on stage
    mark     it stands on at_m, and faces where it did
    t_pose   it stands in a T-pose now: what each joint is off is taken back from now on
    off      joints are as the source says them again

    The reply has each subject's `at_m`, `heading_deg` and how many joints are put right.
    """

    name: Name = ""
    what: Literal["heading", "camera", "mark", "t_pose", "off"]
    at_m: tuple[Metres, Metres, Metres] = (0.0, 0.0, 0.0)
    camera: Name = ""
    towards: Annotated[list[Metres], Meta(max_length=3)] = []

    def __post_init__(self) -> None:
        if len(self.towards) not in (0, 3):
            raise ValueError("towards is [x, y, z]")


class AdjustSubject(Request, kw_only=True, omit_defaults=True, tag="adjust_subject"):
    """Mirrors a subject, or says where its root may go; what is not said stays as it is.

    The reply has both as they are then.
    """

    name: Name
    mirror: bool | None = None
    root: Literal["free", "in place", "hips only"] | None = None


class SetCharacter(Request, kw_only=True, omit_defaults=True, tag="set_character"):
    """Gives a subject a character, or another, or with "" its own body again.

    character  a file on the stage's machine: .glb, .gltf, .vrm, a motion file, or a profile
    """

    name: Name
    character: Text = ""


class SetProfile(Request, kw_only=True, omit_defaults=True, tag="set_profile"):
    """Changes how the character that a subject wears is fitted, for all who wear it.

    profile  words of a profile with new values; those that are left out stay as they are
    save     also writes it: into the profile that is worn, or beside the character's file

    The reply has `profile`: the words as they are then; without any in the request it only tells.
    """

    name: Name
    profile: Annotated[dict[Name, Any], Meta(max_length=32)] = {}
    save: bool = False

    @property
    def right(self) -> str:
        return STEER if self.profile or self.save else LISTEN


class EditPerson(Request, kw_only=True, omit_defaults=True, tag="edit_person"):
    """Makes the person that a subject wears anew, with words of its recipe changed.

    The reply has `person`: the recipe as it is then; without any words it only tells.
    """

    name: Name
    person: Annotated[dict[Name, Any], Meta(max_length=64)] = {}

    @property
    def right(self) -> str:
        return STEER if self.person else LISTEN


class Silence(Request, kw_only=True, omit_defaults=True, tag="silence"):
    """Says what bodies do whose source has been silent for too long, and how long that is.

    The reply has both as they are then; without either in the request it only tells.
    """

    then: Then | None = None
    stop_after_s: Annotated[float, Meta(gt=0.0, le=3600.0)] | None = None

    @property
    def words(self) -> dict[str, Any]:
        """What is to be set."""
        said = {"then": self.then, "stop_after_s": self.stop_after_s}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def right(self) -> str:
        return STEER if self.words else LISTEN


class Transport(Request, kw_only=True, omit_defaults=True, tag="transport"):
    """Plays, stops, moves and changes a take that is a source; what is not said stays as it is.

    source  which, "" where there is but one
    play    goes on, or stays at the frame that is there
    position_s, step  shows the frame at so many seconds of the take; so many frames on or back
    speed, loop, start_s, stop_s  how it is played, and from where to where
    cue     puts in a take of its list, from 1; 0 is the next

    The reply has where it is: `take`, `position_s`, `seconds`, `playing`, `timecode`, `cue`,
    `list` and the rest.
    """

    source: Name = ""
    play: bool | None = None
    position_s: Annotated[float, Meta(ge=0.0, le=1e6)] | None = None
    step: Annotated[int, Meta(ge=-(10**6), le=10**6)] | None = None
    speed: Annotated[float, Meta(ge=1e-3, le=1e3)] | None = None
    loop: bool | None = None
    start_s: Annotated[float, Meta(ge=0.0, le=1e6)] | None = None
    stop_s: Annotated[float, Meta(ge=0.0, le=1e6)] | None = None
    cue: Annotated[int, Meta(ge=0, le=10**6)] | None = None


class Learn(Request, kw_only=True, omit_defaults=True, tag="learn"):
    """Has the next fader or button that is moved do something: "style energy", "record".

    The reply comes at once, and has for how many seconds one is waited for; what was learned then
    is in the session and in `stats`.
    """

    to: Text


class Undo(Request, kw_only=True, omit_defaults=True, tag="undo"):
    """Takes back the newest edit of sources, subjects and characters, whoever made it; with `again`
    makes the one again that was undone last.

    The reply has `edit`: what it was, in words.
    """

    again: bool = False


class SaveSession(Request, kw_only=True, omit_defaults=True, tag="save_session"):
    """Writes the session as it is now on the stage's machine; path "": where it came from."""

    path: Text = ""


class Stop(Request, kw_only=True, omit_defaults=True, tag="stop"):
    """Ends the stage."""


class Reply(msgspec.Struct):
    """The answer to the request of that number; `error` is "" or a sentence."""

    op: str = ""
    number: int = 0
    error: str = ""
    result: dict[str, Any] = {}


class Pong(msgspec.Struct):
    """The result of a ping."""

    stage_ns: Nanoseconds


class Figures(msgspec.Struct):
    """The result of a request for the stage's figures."""

    stats: dict[str, Any]


class Gone(msgspec.Struct):
    """The result of a go: where each subject goes."""

    go: dict[str, list[float]]


class Sights(msgspec.Struct):
    """The result of a look_at: what each subject looks at."""

    look_at: dict[str, str | list[float]]


class Traits(msgspec.Struct):
    """The result of a style: the traits of each subject."""

    style: dict[str, dict[str, float]]


Edit = (
    AddSource
    | RemoveSource
    | AddSubject
    | RemoveSubject
    | RenameSubject
    | PlaceSubject
    | ResetSubject
    | AdjustSubject
    | SetCharacter
    | Undo
    | SetProfile
    | EditPerson
    | Transport
    | SaveSession
)
Recording = Record | Slate | Marker | Circle
Told = Style | LookAt | Go | Silence | OrderProp
Shown = Pad | Camera | Props | Happened  # never answered
Asked = Shown | Stats | Recording | Told | ShowSession | Learn | Edit | Stop
AnyRequest = Hello | Ping | Asked

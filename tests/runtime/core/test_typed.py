"""Outside data read into structs: what does not fit is one sentence that says where and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Meta, field

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError

Axis = Annotated[float, Meta(ge=-1.0, le=1.0)]


class Source(typed.Table, frozen=True, kw_only=True):
    place: str = field(name="from")
    delay: Annotated[float, Meta(ge=0.0, le=1.0, extra={"unit": "seconds"})] = 0.0
    kinds: tuple[Literal["body", "face"], ...] = ()
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    traits: dict[Literal["crouch", "energy"], Axis] = field(default_factory=dict)
    scales: dict[str, Axis] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.place == "nowhere" and self.delay:
            raise ValueError("what comes from nowhere has no delay")


class Retarget(typed.Table, frozen=True, kw_only=True):
    scale: Annotated[float, Meta(gt=0.0)] = 1.0


class Size:
    ALLOWED = "width x height"

    def __init__(self, width: float, height: float) -> None:
        self.size = width, height

    @classmethod
    def read(cls, value: object) -> Size:
        try:
            width, height = map(float, str(value).split("x"))
        except ValueError:
            raise ValueError(f"{value!r} is no size; write it as 36x24") from None
        return cls(width, height)


class Sensor(typed.Table, frozen=True, kw_only=True):
    sensor: Size


class Stage(typed.Table, frozen=True, kw_only=True):
    rate_hz: Annotated[int, Meta(ge=1, le=1000, description="ticks a second")]
    source: tuple[Source, ...] = ()
    retarget: Retarget = Retarget()
    note: Any = None


def written(folder: Path, text: str | bytes, name: str = "show.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, read: Any = typed.read_toml) -> str:
    with pytest.raises(UnderstudyError) as caught:
        read(path, Stage, "session")
    said = str(caught.value)
    assert len(said.splitlines()) == 1 and said.endswith(".") and path.name in said
    return said.replace(str(path), path.name)


def test_a_file_that_fits_is_the_struct(tmp_path):
    text = "\ufeffrate_hz = 60\n[[source]]\nfrom = 'a'\ndelay = 1\n[retarget]\nscale = 0.5\n"
    read = typed.read_toml(written(tmp_path, text), Stage, "session")
    assert read == Stage(
        rate_hz=60, source=(Source(place="a", delay=1.0),), retarget=Retarget(scale=0.5)
    )
    tree = {"rate_hz": 60, "source": [{"from": "a", "delay": 1}], "retarget": {"scale": 0.5}}
    assert typed.read_json(written(tmp_path, json.dumps(tree)), Stage, "session") == read
    assert typed.convert(tree, Stage, "here") == read


SOURCE = "rate_hz = 60\n[[source]]\nfrom = 'a'\n[[source]]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("",
         "show.toml: rate_hz is missing; it must be a whole number from 1 to 1000 (ticks a "
         "second)."),
        ("rate_hz = 0", "show.toml, rate_hz is 0; it must be a whole number from 1 to 1000."),
        ("rate_hz = 1.5", "show.toml, rate_hz is 1.5; it must be a whole number from 1 to 1000."),
        ("rate_h = 60",
         "show.toml: 'rate_h' is unknown, did you mean 'rate_hz'; known are rate_hz, source, "
         "retarget, note."),
        ("rate_hz = 60\nsource = 3",
         "show.toml, source is 3; it must be a list of tables, [[source]]."),
        ("rate_hz = 60\nsource = [3]", "show.toml, [[source]] 1 is 3; it must be a table."),
        ("rate_hz = 60\nretarget.scale = 0",
         "show.toml, retarget.scale is 0; it must be a number above 0."),
        ("rate_hz = 60\nretarget.scale = inf",
         "show.toml, retarget.scale is inf; it must be a finite number."),
        ("rate_hz = 60\nnote.a = [1.0, nan]",
         "show.toml, note.a, entry 2 is nan; it must be a finite number."),
        (SOURCE, "show.toml, [[source]] 2: from is missing; it must be text."),
        (SOURCE + "from = 'b'\ndelay = 'long'",
         "show.toml, [[source]] 2, delay is 'long'; it must be a number from 0 to 1 (seconds)."),
        (SOURCE + "from = 'b'\ndelay = true",
         "show.toml, [[source]] 2, delay is true; it must be a number from 0 to 1 (seconds)."),
        (SOURCE + "from = 'b'\ndelay = nan",
         "show.toml, [[source]] 2, delay is nan; it must be a number from 0 to 1 (seconds)."),
        (SOURCE + "from = 'b'\ndely = 1",
         "show.toml, [[source]] 2: 'dely' is unknown, did you mean 'delay'; known are from, "
         "delay, kinds, offset, traits, scales."),
        (SOURCE + "from = 'b'\nkinds = ['body', 'hand']",
         "show.toml, [[source]] 2, kinds, entry 2 is 'hand'; it must be one of body, face."),
        (SOURCE + "from = 'b'\nkinds = 'body'",
         "show.toml, [[source]] 2, kinds is 'body'; it must be a list of words out of body, "
         "face."),
        (SOURCE + "from = 'b'\noffset = [1, 2]",
         "show.toml, [[source]] 2, offset is [1, 2]; it must be a list of 3 numbers."),
        (SOURCE + "from = 'b'\ntraits = {energy = 0.5, grace = 1}",
         "show.toml, [[source]] 2, traits: 'grace' is unknown; known are crouch, energy."),
        (SOURCE + "from = 'b'\ntraits = {energy = 0.5, crouch = 2}",
         "show.toml, [[source]] 2, traits.crouch is 2; it must be a number from -1 to 1."),
        (SOURCE + "from = 'b'\nscales = {a = 1, b = 0, c = 9, d = 9}",
         "show.toml, [[source]] 2, scales.c is 9; it must be a number from -1 to 1."),
        (SOURCE + "from = 'nowhere'\ndelay = 1",
         "show.toml, [[source]] 2: what comes from nowhere has no delay."),
        (SOURCE + "from = 2020-02-03",
         "show.toml, [[source]] 2, from is 2020-02-03; it must be text."),
        ("rate_hz = ",
         "show.toml is not TOML: Invalid value (line 1, column 11, where the file ends)."),
        ("rate_hz = 60\nsource = [[}",
         "show.toml is not TOML: Invalid value (line 2, column 12): 'source = [[}'."),
        ("rate_hz = 1\nrate_hz = 2",
         "show.toml is not TOML: Cannot overwrite a value (line 2, column 12, where the file "
         "ends)."),
    ],
)  # fmt: skip
def test_a_mistake_in_toml_is_named_by_file_key_value_and_what_is_allowed(tmp_path, text, said):
    assert refused(written(tmp_path, text)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"rate_hz": "fast"}',
         "show.json, rate_hz is 'fast'; it must be a whole number from 1 to 1000."),
        ('{"rate_hz": 60, "source": [{"from": "a"}, {"from": null}]}',
         "show.json, source 2, from is null; it must be text."),
        ('{"rate_hz": 60, "scale": 1}',
         "show.json: 'scale' is unknown; known are rate_hz, source, retarget, note."),
        ("[]", "show.json: it is []; it must be a table."),
        ("", "show.json is not JSON: it ends too early (line 1, column 1)."),
        ('{"rate_hz": 60', "show.json is not JSON: it ends too early (line 1, column 15)."),
        ('{"rate_hz":\n NaN}', "show.json is not JSON: invalid character (line 2, column 2)."),
    ],
)  # fmt: skip
def test_a_mistake_in_json_is_named_alike(tmp_path, text, said):
    assert refused(written(tmp_path, text, "show.json"), typed.read_json) == said


@pytest.mark.parametrize("read", [typed.read_toml, typed.read_json])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, read, monkeypatch):
    assert "no such file" in refused(tmp_path / "none.toml", read)
    assert "is a folder" in refused(tmp_path, read)
    assert "not a directory" in refused(written(tmp_path, "") / "show.toml", read)
    assert "no path can have" in refused_anyhow(tmp_path / "a\0b", read)
    assert "no such file" in refused_anyhow(tmp_path / "two\nlines", read)
    assert "0xff, line 2, column 3" in refused(written(tmp_path, b"a\nbc\xffd"), read)
    assert "not text in UTF-8" in refused(written(tmp_path, "rate_hz = 60".encode("utf-16")), read)
    monkeypatch.setattr(typed, "LARGEST_BYTES", 1 << 20)
    assert "more than 1 MiB" in refused(written(tmp_path, b"#" * ((1 << 20) + 1)), read)
    if os.path.exists("/dev/zero"):
        assert "more than 1 MiB" in refused(Path("/dev/zero"), read)


def refused_anyhow(path: Path, read: Any) -> str:
    with pytest.raises(UnderstudyError) as caught:
        read(path, Stage, "session")
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ["note = " + "[" * 5000, "note = " + "9" * 5000, "a." * 5000 + "b=1"]
)
def test_what_only_python_cannot_hold_is_one_sentence_too(tmp_path, text):
    refused(written(tmp_path, "rate_hz = 60\n" + text))


def test_a_deep_json_is_one_sentence(tmp_path):
    refused(written(tmp_path, '{"rate_hz": 60, "note": ' + "[" * 100_000), typed.read_json)


def test_text_counts_as_the_number_that_it_spells_where_that_is_asked_for():
    table = {"from": "a", "delay": "0.5"}
    assert typed.convert(table, Source, "here", strict=False).delay == 0.5
    with pytest.raises(UnderstudyError, match=r"here, delay is '0.5'; it must be a number"):
        typed.convert(table, Source, "here")
    with pytest.raises(UnderstudyError, match=r"here, offset, entry 3 is nan; it must be a finite"):
        typed.convert({"from": "a", "offset": ["1", "2", "nan"]}, Source, "here", strict=False)


def test_a_type_of_ours_reads_itself():
    assert typed.convert({"sensor": "36x24"}, Sensor, "here").sensor.size == (36.0, 24.0)
    with pytest.raises(UnderstudyError, match=r"^here, sensor is 'big'; it must be width x height"):
        typed.convert({"sensor": "big"}, Sensor, "here")


# Whatever stands in a file: the struct or one sentence.

KEYS = st.sampled_from(
    ["rate_hz", "source", "retarget", "note", "from", "delay", "kinds", "offset", "traits",
     "scales", "scale", "energy", "x - at `$.source[0].delay`", "`key` in `$.traits`", "[...]"]
) | st.text(max_size=4)  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["body", "a", "nowhere", 1, 0.5, 10**400, -(10**30)])
)  # fmt: skip
TREES = st.recursive(
    LEAVES, lambda t: st.lists(t, max_size=4) | st.dictionaries(KEYS, t, max_size=5), max_leaves=12
)


def fits_or_is_refused(read: Any) -> None:
    try:
        assert isinstance(read(), Stage)
    except UnderstudyError as error:
        said = str(error)
        assert len(said.splitlines()) == 1 and said.endswith(".") and len(said) < 1000


@given(st.dictionaries(KEYS, TREES, max_size=4) | TREES, st.booleans())
@example({"rate_hz": 60, "x - at `$.source[0].delay`": 1}, True)
@example({"rate_hz": 60, "source": [{"from": "a", "scales": {"": 0, "b": None}}]}, True)
def test_any_mapping_is_the_struct_or_a_sentence(tree, strict):
    if isinstance(tree, dict):
        tree = {"rate_hz": 60, **tree}
    fits_or_is_refused(lambda: typed.convert(tree, Stage, "here", strict))


@given(TREES, st.integers(0, 60), st.integers(0, 3))
def test_any_json_is_the_struct_or_a_sentence(tmp_path_factory, tree, cut, rest):
    text = json.dumps({"rate_hz": 60, "source": tree} if cut % 2 else tree, allow_nan=True)
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(text[:cut] + text[cut + rest :])
    fits_or_is_refused(lambda: typed.read_json(path, Stage, "session"))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_the_struct_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.file"
    path.write_bytes(data)
    fits_or_is_refused(lambda: typed.read_json(path, Stage, "session"))
    fits_or_is_refused(lambda: typed.read_toml(path, Stage, "session"))


@given(st.lists(st.tuples(KEYS, st.sampled_from(
    ["1", "0.5", "nan", "inf", "true", "'x'", "[]", "[1, 2, 3]", "{energy = 2}", "1979-05-27",
     "07:32:00", "[[1], 'a']", "{}", "0x7fffffffffffffffffff", "'a", "'body'"])), max_size=6),
    st.sampled_from(["", "[[source]]", "[retarget]", "[[source]]\nfrom = 'a'"]),
)  # fmt: skip
def test_any_toml_is_the_struct_or_a_sentence(tmp_path_factory, lines, header):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    body = "\n".join(f"{json.dumps(key)} = {value}" for key, value in lines)
    path.write_text(f"rate_hz = 60\n{header}\n{body}\n", encoding="utf-8", errors="replace")
    fits_or_is_refused(lambda: typed.read_toml(path, Stage, "session"))

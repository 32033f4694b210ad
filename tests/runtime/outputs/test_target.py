"""Outputs in one line or in a file; what is wrong is one sentence that names it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.outputs.things import to
from understudy.bridge.protocols.vmc_packer import DIALECTS
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.outputs import face, sender, target
from understudy.runtime.outputs.sender import KNOWN


def test_a_line_says_it_all():
    one = to("vmc://10.0.0.5:40000?dialect=vrm4u&rate=59.94&delay=0.05&interface=10.0.0.2")
    assert (one.scheme, one.host, one.port) == ("vmc", "10.0.0.5", 40000)
    said = one.options
    assert (said.rate_hz, said.delay_s, said.interface) == (59.94, 0.05, "10.0.0.2")
    assert (said.dialect, said.travel, said.bundle) == ("vrm4u", "hips", True)


def test_ports_are_the_protocols_own():
    ports = {scheme: to(f"{scheme}://host").port for scheme in KNOWN}
    assert ports == {
        "vmc": 39539, "freed": 40000, "opentrackio": 55555, "livelinkface": 11111, "rokoko": 14043,
    }  # fmt: skip
    assert to("opentrackio://?source=3").host == "multicast"
    assert to("vmc://[::1]:39539").host == "::1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nonsense", "not an output|no output"),
        ("vmx://host", "did you mean 'vmc'"),
        ("vmc://", "names no host"),
        ("vmc://host:99999", "no output|0-65535"),
        ("vmc://host:0", "port 0"),
        ("vmc://host/path", "more than a host"),
        ("vmc://host?rat=60", "did you mean 'rate'"),
        ("vmc://host?rate=fast", "a number from 0 to 1000"),
        ("vmc://host?rate=nan", "a number from"),
        ("vmc://host?delay=-1", "a number from 0 to 10"),
        ("vmc://host?rate=60&rate=50", "twice"),
        ("vmc://host?ttl=1.5", r"ttl is '1\.5'; it must be a whole number from 0 to 255"),
        ("vmc://host?bundle=2", "bundle is '2'; it must be true or false"),
        ("vmc://host?rate", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(line, expected):
    with pytest.raises(UnderstudyError, match=expected):
        to(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vmc://127.0.0.1?dialect=vrm4v", "did you mean 'vrm4u'"),
        ("vmc://127.0.0.1?mtu=20", "128 to"),
        ("vmc://127.0.0.1?travel=feet", "one of hips, root"),
        ("freed://127.0.0.1?id=256", "0 to 255"),
        ("opentrackio://127.0.0.1?source=0", "1 to 200"),
        ("opentrackio://127.0.0.1?encoding=xml", "one of cbor, json"),
        ("vmc://no-such-host.invalid?interface=203.0.113.7", "no network card"),
        ("vmc://127.0.0.1?interface=203.0.113.7", "no network card"),
        ("vmc://127.0.0.1?interface=wlan", "no network card"),
    ],
)
def test_what_a_protocol_does_not_take_is_said(line, expected):
    with pytest.raises(UnderstudyError, match=expected):
        sender.Sender([to(line)])


def test_a_file_holds_the_same_words(tmp_path):
    path = tmp_path / "outputs.toml"
    path.write_text(
        '[[output]]\nto = "vmc://127.0.0.1:39539?dialect=vrm4u"\nrate = 60\ndelay = 0.05\n'
        '[[output]]\nto = "vmc://127.0.0.1:39540"\nbundle = false\n'
    )
    one, two = target.read(path, KNOWN)
    said = one.options
    assert (said.rate_hz, said.delay_s, said.dialect) == (60.0, 0.05, "vrm4u")
    assert two.options.bundle is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not toml", "not TOML"),
        ("", r"has no \[\[output\]\]; it needs at least one"),
        ("output = []", r"has no \[\[output\]\]; it needs at least one"),
        ("[output]\nto='vmc://a'", r"output is a table; it must be .*, \[\[output\]\]"),
        ("[[outputs]]\nto='vmc://a'", "'outputs' is unknown, did you mean 'output'"),
        ("[[output]]\nrate=60", r"\[\[output\]\] 1: to is missing; it must be text \(as vmc://"),
        ("[[output]]\nto=39539", r"\[\[output\]\] 1, to is 39539; it must be text"),
        ("[[output]]\nto='vmx://a'", r"\[\[output\]\] 1: .*did you mean 'vmc'"),
        ("[[output]]\nto='vmc://a:0'", r"\[\[output\]\] 1: .*port 0"),
        ("[[output]]\nto='vmc://'", r"\[\[output\]\] 1: .*names no host"),
        ("[[output]]\nto='vmc://a?ttl=no'", r"\[\[output\]\] 1, ttl is 'no'"),
        (
            "[[output]]\nto='vmc://a'\n[[output]]\nto='vmc://b'\nrat=1",
            r"\[\[output\]\] 2: 'rat' is unknown, did you mean 'rate'",
        ),
        ("[[output]]\nto='vmc://a'\nrate=[1]", r"\[\[output\]\] 1, rate is \[1\]; .* 0 to 1000"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, expected):
    path = tmp_path / "outputs.toml"
    path.write_text(text)
    with pytest.raises(UnderstudyError, match=expected) as caught:
        target.read(path, KNOWN)
    assert str(caught.value).startswith(str(path))


PARTS = st.sampled_from(
    ["vmc", "freed", "://", "127.0.0.1", "[::1]", "[", ":39539", ":x", "?", "&", "=", "rate", "id",
     "60", "nan", "1e400", "bundle", "true", "dialect", "vrm4u", "@", "/", "%00", "\n", "\u2100"]
) | st.text(max_size=3)  # fmt: skip


@given(
    st.lists(PARTS, max_size=9).map("".join),
    st.dictionaries(PARTS, st.none() | st.booleans() | st.integers() | st.floats() | PARTS),
)
def test_any_line_and_table_is_a_target_or_one_sentence(line, table):
    for text in (line, f"vmc://host?{line}"):
        try:
            target.parse(text, KNOWN, table, "outputs.toml, [[output]] 1")
        except UnderstudyError as error:
            said = str(error)
            assert said.startswith("outputs.toml, [[output]] 1")
            assert len(said.splitlines()) == 1 and said.endswith(".")


def test_every_dialect_and_naming_can_be_asked_for():
    for name in DIALECTS:
        assert to(f"vmc://host?dialect={name}").options.dialect == name
    for name in face.BLENDS:
        assert to(f"vmc://host?blend={name}").options.blend == name


def test_text_may_be_a_number_in_a_file():
    assert to("freed://host", camera=3).options.camera == "3"


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UnderstudyError, match="Cannot read"):
        target.read(tmp_path / "none.toml", KNOWN)

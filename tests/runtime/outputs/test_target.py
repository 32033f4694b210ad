"""Outputs in one line or in a file; what is wrong is one sentence that names it."""

from __future__ import annotations

import pytest

from tests.runtime.outputs.things import to
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.outputs import sender, target
from understudy.runtime.outputs.sender import KNOWN


def test_a_line_says_it_all():
    one = to("vmc://10.0.0.5:40000?dialect=vrm4u&rate=59.94&delay=0.05&interface=10.0.0.2")
    assert (one.scheme, one.host, one.port) == ("vmc", "10.0.0.5", 40000)
    assert (one.rate_hz, one.delay_s, one.interface) == (59.94, 0.05, "10.0.0.2")
    assert one.options == {"dialect": "vrm4u"}


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
        ("vmc://127.0.0.1?travel=feet", "hips, root"),
        ("freed://127.0.0.1?id=256", "0 to 255"),
        ("opentrackio://127.0.0.1?source=0", "1 to 200"),
        ("opentrackio://127.0.0.1?encoding=xml", "json, cbor"),
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
    assert (one.rate_hz, one.delay_s, one.options) == (60.0, 0.05, {"dialect": "vrm4u"})
    assert two.options == {"bundle": "0"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("not toml", "not TOML"),
        ("", "needs a table"),
        ("[output]\nto='vmc://a'", "needs a table"),
        ("[[output]]\nrate=60", "output 1: it has no to"),
        ("[[output]]\nto='vmc://a'\n[[output]]\nto='vmc://b'\nrat=1", "output 2.*did you mean"),
        ("[[output]]\nto='vmc://a'\nrate=[1]", "output 1: Option rate"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, text, expected):
    path = tmp_path / "outputs.toml"
    path.write_text(text)
    with pytest.raises(UnderstudyError, match=expected):
        target.read(path, KNOWN)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(UnderstudyError, match="Cannot read"):
        target.read(tmp_path / "none.toml", KNOWN)

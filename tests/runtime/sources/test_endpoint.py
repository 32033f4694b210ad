"""Lines and tables that name sources."""

from __future__ import annotations

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import endpoint, registry


def parse(line: str) -> endpoint.Endpoint:
    return endpoint.parse(line, registry.KNOWN)


def test_without_a_host_a_source_listens_on_this_machine_alone():
    one = parse("vmc://")
    assert (one.host, one.port, one.where) == ("127.0.0.1", 39539, "udp 39539")
    one = parse("freed://0.0.0.0:41000?camera=A")
    assert (one.host, one.port, one.options.camera) == ("0.0.0.0", 41000, "A")
    assert one.where == "udp 41000 of 0.0.0.0"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("vmc", "write it like"),
        ("vcm://", "did you mean 'vmc'"),
        ("vmc://:0", "1 to 65535"),
        ("vmc://?nam=ann", "did you mean 'name'"),
        ("vmc://?name=a&name=b", "twice"),
        ("freed://?rate=60", "'rate' is unknown; known are camera, id"),
        ("vmc://host/path", "more than a host"),
    ],
)
def test_what_is_no_source_is_a_sentence(line, said):
    with pytest.raises(UnderstudyError, match=said):
        parse(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("freed://?id=256", "0 to 255"),
        ("freed://?sensor=big", "36x24"),
        ("opentrackio://?source=201", "1 to 200"),
        ("vmc://?delay=2", "0 to 1"),
    ],
)
def test_options_are_checked_before_anything_comes(line, said):
    with pytest.raises(UnderstudyError, match=said):
        registry.open_all([parse(line)])


def test_a_file_has_the_same_words(tmp_path):
    file = tmp_path / "sources.toml"
    file.write_text(
        '[[source]]\nfrom = "vmc://0.0.0.0"\nname = "ann"\n[[source]]\nfrom = "freed://"\nid = 3\n'
    )
    first, second = registry.endpoints([], file)
    assert (first.host, first.options.name) == ("0.0.0.0", "ann")
    assert second.options.id == 3
    assert first.options.delay.seconds is None and second.options.sensor.mm == (36.0, 24.0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("nome = 'ann'\nfrom = 'vmc://'", "[[source]] 2: 'nome' is unknown, did you mean 'name'"),
        ("name = 'ann'", "[[source]] 2: from is missing; it must be text (as vmc://"),
        ("from = 'vmx://'", "[[source]] 2: There is no source 'vmx', did you mean 'vmc'"),
        ("from = 'vmc://:0'", "[[source]] 2: 'vmc://:0' has port 0"),
        (
            "from = 'vmc://?delay=2'",
            "[[source]] 2, delay is '2'; it must be auto, or seconds from 0",
        ),
        (
            "from = 'vmc://'\ndelay = true",
            "[[source]] 2, delay is true; it must be auto, or seconds",
        ),
        ("from = 'vmc://'\nsensor = [1, 2]", "[[source]] 2, sensor is [1, 2]; it must be width x"),
        ("from = 'freed://'\nid = 1.5", "[[source]] 2, id is 1.5; it must be a whole number from"),
    ],
)
def test_what_is_wrong_in_a_file_names_the_file_the_table_and_the_key(tmp_path, table, said):
    file = tmp_path / "sources.toml"
    file.write_text(f"[[source]]\nfrom = 'vmc://0.0.0.0'\n[[source]]\n{table}\n")
    with pytest.raises(UnderstudyError) as caught:
        registry.endpoints([], file)
    assert str(caught.value).replace(f"{file}, ", "").startswith(said)
    assert str(file) in str(caught.value)


def test_every_option_is_listed():
    said = registry.listing()
    for scheme, protocol in registry.KNOWN.items():
        assert f"{scheme}://" in said
        assert all(f"    {name} " in said for name in protocol.Options.__struct_encode_fields__)

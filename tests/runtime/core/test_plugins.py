"""Plug-ins of other packages: found, refused in a sentence, and never a danger to the others."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.runtime.core import plugins
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.doctor import checks
from understudy.runtime.outputs import sender
from understudy.runtime.sources import registry
from understudy.runtime.takes import bvh, exporters
from understudy.runtime.takes.recorder import Recorder
from understudy.runtime.viewport.effects import folders

CACHES = (registry.known, sender.known, exporters.known, folders.known)


@pytest.fixture
def package(tmp_path: Path, monkeypatch):
    """Installs a package of one module with these entry points: {group: {name: value}}."""
    monkeypatch.setenv(plugins.TOLD, "")
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, code: str, groups: dict[str, dict[str, str]]) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, entries in groups.items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
        (about / "entry_points.txt").write_text("\n".join(lines) + "\n")

    for known in CACHES:
        known.cache_clear()
    yield install
    for known in CACHES:
        known.cache_clear()


EVERYWHERE = {
    plugins.SOURCES: {"torn": "torn"},
    plugins.OUTPUTS: {"torn": "torn"},
    plugins.EXPORTERS: {"torn": "torn"},
    plugins.EFFECTS: {"torn": "torn"},
}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError"),
        ("", "torn has no "),
    ],
)
def test_one_that_cannot_be_loaded_costs_itself_alone(package, capsys, code, why):
    package("torn", code, EVERYWHERE)
    assert set(registry.KNOWN) < set(registry.known())
    assert registry.parse("vmc://127.0.0.1:39539").port == 39539
    assert sender.targets(["freed://127.0.0.1"])[0].scheme == "freed"
    assert exporters.exporter(Path("take.bvh")) is exporters.KNOWN["bvh"]
    assert folders.folder("ink") == folders.SHIPPED / "ink"
    refusals = [
        (lambda: registry.parse("torn://127.0.0.1"), "source"),
        (lambda: registry.endpoints(["torn://127.0.0.1"]), "source"),
        (lambda: sender.targets(["torn://127.0.0.1"]), "output"),
        (lambda: exporters.exporter(Path("take.torn")), "exporter"),
    ]
    for refused, noun in refusals:
        with pytest.raises(UnderstudyError) as error:
            refused()
        assert f"The {noun} 'torn' of the package torn cannot be loaded ({why}" in str(error.value)
    assert "The source 'torn' of the package torn" in registry.listing()
    assert [(one.level, one.name) for one in checks.plug_ins()] == [
        ("lacking", f"{noun} torn") for noun in ("source", "output", "exporter", "effect package")
    ]
    told = capsys.readouterr().err.splitlines()
    assert [line.split("'")[0] for line in told] == [
        f"understudy: The {noun} " for noun in ("source", "output", "effect package", "exporter")
    ]


def test_it_is_told_once_by_all_processes(package, capsys):
    package("torn", "1 / 0", EVERYWHERE)
    registry.known()
    registry.known.cache_clear()  # a child starts anew, with our environment
    registry.known()
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["vmc", "bvh"])
def test_our_names_stay_ours(package, capsys, name):
    package("greedy", "", {plugins.SOURCES: {name: "greedy"}})
    assert registry.known() == registry.KNOWN
    assert f"The source '{name}' of the package greedy cannot be loaded (Understudy has that" in (
        capsys.readouterr().err
    )


FAULTY = """
from understudy.runtime.core.typed import Table
from understudy.runtime.outputs.target import OutputOptions
from understudy.runtime.sources.streams import Kind, Stream

PORT, HOST, KINDS = 7410, "", (Kind.PROP,)


class Options(OutputOptions, frozen=True, kw_only=True):
    careless: bool = False


class SOURCE:
    name = "faulty"

    def __init__(self, endpoint, receiver):
        self.receiver, self.polls = receiver, 0
        if endpoint.options.careless:
            raise IndexError("no beacon")

    def poll(self, now_s):
        self.polls += 1
        if self.polls < 3:
            raise KeyError("beacon")
        return []

    streams = property(lambda self: [Stream(Kind.PROP, None, "cup")])
    notice = "all is well"

    def figures(self):
        return {"polls": self.polls}

    def close(self):
        self.receiver.close()


def OUTPUT(target):
    raise TypeError("no target")


def write(path, clip):
    raise ValueError("no rows")
"""


def test_a_fault_while_it_runs_is_counted_and_shown(package):
    package("faulty", FAULTY, {plugins.SOURCES: {"faulty": "faulty"}})
    (port,) = free_udp_ports(1)
    with contextlib.closing(
        registry.open_source(registry.parse(f"faulty://127.0.0.1:{port}"), registry.Ports())
    ) as source:
        for faults in (1, 2):
            assert source.poll(0.0) == []
            assert source.notice == "a fault in this source: KeyError: 'beacon'"
            assert source.figures() == {"polls": faults, "faults": faults}
        assert source.poll(0.0) == []
        assert source.notice == "all is well" and len(source.streams) == 1


def test_what_cannot_be_opened_is_a_sentence(package):
    package(
        "faulty",
        FAULTY,
        {plugins.SOURCES: {"faulty": "faulty"}, plugins.OUTPUTS: {"bad": "faulty"}},
    )
    (port,) = free_udp_ports(1)
    line = f"faulty://127.0.0.1:{port}?careless=1"
    with pytest.raises(UnderstudyError, match=r"its package has a fault \(IndexError: no beacon"):
        registry.open_source(registry.parse(line), registry.Ports())
    with pytest.raises(UnderstudyError, match=r"bad://127.0.0.1 cannot be opened: .*no target"):
        sender.Output(*sender.targets(["bad://127.0.0.1"]))


def test_an_exporter_that_fails_costs_no_take(package, tmp_path):
    package("faulty", FAULTY, {plugins.EXPORTERS: {"odd": "faulty"}})
    recorder = Recorder(tmp_path / "take.odd", 60.0)
    recorder.add([Subject("ann", PERFORMER, Pose.rest(PERFORMER))])
    with pytest.raises(UnderstudyError, match=r"take.odd was not written: .*no rows.*take.odd.bvh"):
        recorder.close()
    assert len(bvh.read(tmp_path / "take.odd.bvh")) == 1
    assert recorder.close() == [tmp_path / "take.odd.bvh"]


def test_a_suffix_that_nobody_writes_is_refused_before_the_take(package):
    for path, said in (("take.bhv", "suffix .bhv, did you mean"), ("take", "no suffix")):
        with pytest.raises(UnderstudyError, match=said):
            exporters.exporter(Path(path))


def test_folders_in_a_package_are_effects(package, tmp_path):
    for name in ("glow", "ink"):
        (tmp_path / "looks" / name).mkdir(parents=True)
        (tmp_path / "looks" / name / "effect.toml").write_text("")
    (tmp_path / "looks" / "__init__.py").write_text("")
    package("about_looks", "", {plugins.EFFECTS: {"looks": "looks"}})
    assert folders.folder("glow") == tmp_path / "looks" / "glow"
    assert folders.folder("ink") == folders.SHIPPED / "ink"
    assert folders.folder("some/where") == Path("some/where")
    with pytest.raises(UnderstudyError, match=r"no effect and no folder 'glaw', did you mean"):
        folders.folder("glaw")

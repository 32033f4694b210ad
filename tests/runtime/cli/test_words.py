"""Words that cannot be understood, commands in a bare environment, readers that leave."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import sentence
from understudy.runtime.cli.main import COMMANDS, main, parser
from understudy.runtime.cli.parser import STATUSES

MAIN = "from understudy.runtime.cli.main import main"
# Without the extras, without a viewport's libraries, and what takes long to import.
BARE = ("torch", "onnx", "onnxruntime", "embreex", "moderngl", "glfw", "imgui_bundle", "av")
SLOW = ("numpy", "scipy", "matplotlib", "skimage", "zmq", "rich", "PIL", "argcomplete")


def blocked(modules: tuple[str, ...], code: str, *words: object) -> subprocess.CompletedProcess:
    """Runs code where these modules cannot be imported."""
    blocker = f"""
        import sys
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {modules!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Blocker())
    """
    whole = textwrap.dedent(blocker) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", whole, *map(str, words)], capture_output=True, text=True, timeout=120
    )


def leaves() -> list[tuple[str, ...]]:
    """Every command and every command of a command, by their words."""

    def below(one: argparse.ArgumentParser, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        found = [words] if words else []
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, sub in action.choices.items():
                    found += below(sub, (*words, name))
        return found

    return below(parser(), ())


def test_help_needs_no_extra_no_display_and_nothing_that_is_slow():
    code = f"""
        import contextlib, io
        {MAIN}
        for words in {[[*words, "--help"] for words in leaves()] + [["--help"]]!r}:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                try:
                    main(words)
                    raise AssertionError(words)
                except SystemExit as end:
                    assert end.code == 0, words
            assert said.getvalue().startswith("usage: understudy"), words
    """
    done = blocked(BARE + SLOW, code)
    assert done.returncode == 0, done.stderr


def test_help_tells_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert STATUSES in capsys.readouterr().out


@pytest.mark.parametrize("words", [(), *leaves()], ids=" ".join)
def test_an_unknown_option_is_one_line_and_2(capsys, words):
    with pytest.raises(SystemExit) as end:
        main([*words, "--no-such-option"])
    assert end.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("--help`") and "Traceback" not in lines[0]


def numbers() -> list[tuple[tuple[str, ...], str]]:
    """Every option of every command that takes a number or a choice."""
    found = []

    def below(one: argparse.ArgumentParser, words: tuple[str, ...]) -> None:
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, sub in action.choices.items():
                    below(sub, (*words, name))
            elif action.option_strings and (action.choices or action.type in (int, float)):
                found.append((words, action.option_strings[-1]))

    below(parser(), ())
    return found


@pytest.mark.parametrize(
    ("words", "option"),
    numbers(),
    ids=lambda part: part if isinstance(part, str) else "-".join(part),
)
def test_a_value_that_is_none_is_one_line_that_names_option_and_value(capsys, words, option):
    with pytest.raises(SystemExit) as end:
        main([*words, option, "abc"])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"understudy {' '.join(words)}: {option} 'abc' is ")
    assert line.endswith(f"see `understudy {' '.join(words)} --help`")


@pytest.mark.parametrize("words", [["bench", "--no-such"], ["bench", "takeover", "--no-such", "x"],
                                   ["bench", "control", "--seeds", "abc"]])  # fmt: skip
def test_benches_parts_do_the_same(capsys, words):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_value_that_begins_with_a_minus_is_told_how_to_be_written(capsys):
    with pytest.raises(SystemExit):
        main(["viewport", "--fixed-at", "-1,2,3"])
    assert "--fixed-at=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["--pad", "--out", "--style", "--weights"])
def test_a_nul_and_an_endless_path_are_one_line(capsys, tmp_path, pad, word):
    given = {"--pad": str(pad), "--out": str(tmp_path / "t.bvh"), "--seconds": "1"}
    for wrong in ("a\0b", "x" * 300 + ".onnx", "y/" * 3000):
        words = [part for pair in {**given, word: wrong}.items() for part in pair]
        try:
            status = main(["perform", *words])
        except SystemExit as end:
            status = end.code
        assert status == 2, (word, wrong[:5])
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1 and len(said) < 1100, said
    assert [path.name for path in tmp_path.iterdir()] == ["pad.toml"]


ENDLESS = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["stage", "--pad", ENDLESS],
        ["stage", "--bvh", ENDLESS],
        ["stage", "--sources", ENDLESS],
        ["stage", "--outputs", ENDLESS],
        ["stage", "--weights", ENDLESS, "--pad", "{pad}"],
        ["stage", "--stats", ENDLESS, "--pad", "{pad}"],
        ["stage", "--record", ENDLESS, "--pad", "{pad}"],
        ["stage", "--keys", ENDLESS],
        ["viewport", "--headless", "--out", ENDLESS],
        ["viewport", "--headless", "--movie", ENDLESS],
        ["viewport", "--discard", "--headless", "--stats", ENDLESS],
        ["viewport", "--save-mannequin", "{tmp}/a.glb", "--fit", ENDLESS],
        ["listen", "--key", ENDLESS],
        ["send", "--outputs", ENDLESS],
        ["send", "--to", "vmc://127.0.0.1:9", "--key", ENDLESS],
        ["relay", "--from", "tcp://127.0.0.1:9", "--key", ENDLESS],
        ["keys", "new", ENDLESS],
        ["keys", "new", "a", "--out", "/" + ENDLESS],
        ["keys", "allow", ENDLESS],
        ["takeover", ENDLESS, "{tmp}/o.bvh"],
        ["render", ENDLESS, "--out", "{tmp}/o.mp4"],
        ["demo", "--take", ENDLESS, "--out", "{tmp}"],
        ["demo", "--out", ENDLESS],
        ["bench", "takeover", ENDLESS],
    ],
    ids=lambda words: " ".join(words).replace(ENDLESS, "ENDLESS"),
)
def test_an_endless_path_is_a_sentence_of_every_command(capfd, tmp_path, pad, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNDERSTUDY_KEYS", str(tmp_path / "keys"))
    named = [word.format(pad=pad, tmp=tmp_path) for word in words]
    ports = ["--publish", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
    status = main([*named, *(ports if words[0] == "stage" else [])])
    said = capfd.readouterr().err.strip().splitlines()
    assert status in (1, 2) and len(said) == 1 and "Traceback" not in said[0], said
    assert said[0].startswith(f"understudy {words[0]}")


@pytest.mark.parametrize(
    "words",
    [
        ["stage", "--pad", "{pad}", "--stats"],
        ["stage", "--pad", "{pad}", "--record"],
        ["perform", "--pad", "{pad}", "--out"],
        ["viewport", "--headless", "--discard", "--stats"],
        ["demo", "--out"],
        ["bench", "takeover", "{tmp}", "--plot"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("place", ["{pad}/x.out", "/proc/x.out"])
def test_a_place_that_takes_no_file_is_known_at_the_start(capfd, tmp_path, pad, words, place):
    """A folder that nobody can write into, and one that is a file."""
    if place.startswith("/proc") and sys.platform != "linux":
        pytest.skip("a folder that even root cannot write into is Linux's /proc")
    named = [word.format(pad=pad, tmp=tmp_path) for word in [*words, place]]
    ports = ["--publish", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
    status = main([*named, *(ports if words[0] == "stage" else [])])
    out, err = capfd.readouterr()
    assert status == 2 and "cannot be written" in err and len(err.splitlines()) == 1
    assert not out


@pytest.mark.parametrize(
    "words",
    [
        ["stage", "--pad", "{pad}", "--seconds", "1"],
        ["stage", "--bvh", "{take}", "--seconds", "1"],
        ["play", "--pad", "{pad}", "--seconds", "1"],
        ["perform", "--pad", "{pad}", "--out", "{tmp}/t.bvh"],
        ["takeover", "{take}", "{tmp}/o.bvh", "--drop", "0.1-0.2"],
        ["demo", "--out", "{tmp}/out"],
        ["bench", "performer"],
    ],
    ids=" ".join,
)
def test_without_onnx_runtime_it_says_what_to_install(tmp_path, pad, words):
    take = tmp_path / "walk.bvh"
    hips = "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
    frames = "0 0 0\n" * 30
    take.write_text(
        f"{hips}End Site\n{{\nOFFSET 0 1 0\n}}\n}}\nMOTION\nFrames: 30\nFrame Time: 0.01\n{frames}"
    )
    named = [word.format(pad=pad, take=take, tmp=tmp_path) for word in words]
    ports = ["--publish", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*"]
    # The children of `play` and `demo` are blocked as well.
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'onnxruntime':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", *named]
        + (ports if words[0] in ("stage", "play") else []),
        capture_output=True, text=True, timeout=120, env=env, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "ONNX Runtime, which is not installed: pip install" in done.stderr
    assert not (tmp_path / "t.bvh").exists() and not (tmp_path / "o.bvh").exists()


def test_training_without_torch_says_what_to_install(tmp_path):
    code = f"{MAIN}\nimport sys\nsys.exit(main(['train', 'motion', '--data', {str(tmp_path)!r}]))"
    said = sentence(blocked(("torch",), code))
    assert "torch, which is not installed: pip install" in said


@pytest.mark.parametrize("words", [["--help"], ["stage", "--help"], ["send", "--list"],
                                   ["completion", "bash"]])  # fmt: skip
def test_a_reader_that_leaves_is_no_fault(words):
    """As `| head -1` does, and at once: the pipe is closed before a word is written."""
    child = subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    child.stdout.close()
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, b"")


def test_every_command_is_in_the_table_of_contents():
    assert {words[0] for words in leaves()} == set(COMMANDS)

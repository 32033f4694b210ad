"""CURVE keys as files: the stage's own, one for each machine that may connect, and who may.

A folder holds what the stage needs:

    stage.key            the stage's own pair; secret
    stage.pub            its public half
    local.key            the pair of this user's programs on this machine; secret
    allowed/NAME.pub     who is let in, and what for: a public key and its rights, one file each

A machine that connects needs one file, NAME.key: its own pair and the stage's public key. All are
ZeroMQ's certificates (ZPL), and hold keys as 40 letters of Z85.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import zmq

from understudy.runtime.core.errors import Failure, UnderstudyError

from . import rights

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_KEY = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_LINE = re.compile(r"\s*(name|public-key|secret-key|server-key)\s*=\s*[\"']?([^\"'\s]*)[\"']?\s*")
# No file of keys is longer; whatever is, is none.
_LARGEST = 4096
# Names that files in the folder have themselves.
RESERVED = ("stage", "local")


@dataclass(frozen=True, slots=True)
class Key:
    """A pair, or the public half of one (secret ""); `server` is the stage's public key, or "".

    may  its rights, where it is on a stage's list; None where nothing is said of them
    """

    name: str
    public: str
    secret: str = ""
    server: str = ""
    may: frozenset[str] | None = None

    def __repr__(self) -> str:  # no secret gets into a log
        return f"Key({self.name!r}, {self.public!r})"

    @property
    def text(self) -> str:
        secret = "Whoever has this file is let in: keep it secret. " if self.secret else ""
        lines = [f"# Understudy key. {secret}", "metadata", f'    name = "{self.name}"']
        lines += [] if self.may is None else [f'    may = "{rights.text(self.may)}"']
        lines.append("curve")
        lines.append(f'    public-key = "{self.public}"')
        lines += [f'    secret-key = "{self.secret}"'] if self.secret else []
        lines += [f'    server-key = "{self.server}"'] if self.server else []
        return "\n".join(lines).replace(" \n", "\n") + "\n"


def default_folder() -> Path:
    """Where this user's stage has its keys: UNDERSTUDY_KEYS, or ~/.understudy/keys."""
    named = os.environ.get("UNDERSTUDY_KEYS")
    return Path(named) if named else Path.home() / ".understudy" / "keys"


def make(name: str, server: str = "") -> Key:
    """A new pair."""
    if not zmq.has("curve"):
        raise Failure(
            "This libzmq was built without CURVE; install pyzmq from its wheel: pip install pyzmq."
        )
    public, secret = zmq.curve_keypair()
    return Key(checked_name(name), public.decode(), secret.decode(), server)


def read(path: str | Path) -> Key:
    """The key in a file; its name is the file's own where the file says none."""
    return _key(Path(path), _content(Path(path)))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1).decode("utf-8", "replace")
    except OSError as error:
        raise UnderstudyError(f"The key {path} cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL
        raise UnderstudyError(f"{str(path)!r} is no path of a key.") from None


def _key(path: Path, text: str) -> Key:
    found = {m[1]: m[2] for m in map(_LINE.fullmatch, text.splitlines()) if m is not None}
    keys = {word: found.get(f"{word}-key", "") for word in ("public", "secret", "server")}
    if len(text) > _LARGEST or not _KEY.fullmatch(keys["public"]):
        raise UnderstudyError(f"{path} is no key; `understudy keys new NAME` makes one.")
    for word, key in keys.items():
        if key and not _KEY.fullmatch(key):
            raise UnderstudyError(
                f"{path}: its {word} key is not 40 letters of Z85; copy the file anew."
            )
    may, _ = rights.of_file(text)
    return Key(found.get("name") or path.stem, **keys, may=may)


def read_for_stage(path: str | Path) -> Key:
    """A key to connect with: a whole pair, and the public key of the stage that it is for."""
    key = read(path)
    if not key.secret or not key.server:
        missing = "secret half" if not key.secret else "stage's public key"
        raise UnderstudyError(
            f"{path} lacks the {missing}; connect with a NAME.key that `understudy keys new NAME` "
            "made."
        )
    return key


def write(path: Path, text: str, secret: bool, anew: bool = False) -> None:
    """Writes a file, whole or not at all; over one that is there only where told (`anew`)."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(number, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if anew:
            os.replace(part, path)
        else:
            _give_name(part, path)
    except FileExistsError:
        raise UnderstudyError(
            f"{path} is there already and is not written over; take another name or remove it."
        ) from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _give_name(part: Path, path: Path) -> None:
    """Renames, unless the name is taken: a link is refused then, a rename would not be."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here, as on a memory stick
        if path.exists():
            raise FileExistsError from None
        os.rename(part, path)


def checked_name(name: str) -> str:
    """The name, if a key may have it."""
    if not _NAME.fullmatch(name):
        raise UnderstudyError(
            f"{name!r} is no name for a key; take letters, digits, '-', '_' and '.', at most 64."
        )
    return name


class Keyring:
    """The stage's folder of keys."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = default_folder() if folder is None else Path(folder)
        self._allowed = self.folder / "allowed"

    @property
    def local(self) -> Path:
        """The key with which this user's own programs connect to this stage."""
        return self.folder / "local.key"

    @property
    def exists(self) -> bool:
        return (self.folder / "stage.key").exists()

    def stage(self) -> Key:
        """The stage's own pair."""
        if not self.exists:
            raise UnderstudyError(
                f"There are no keys in {self.folder}; make the first with `understudy keys new "
                "NAME`, NAME being the machine that is to connect."
            )
        key = read(self.folder / "stage.key")
        if not key.secret:
            raise UnderstudyError(f"{self.folder / 'stage.key'} lacks its secret half.")
        return key

    def found(self) -> Key:
        """The stage's own pair, made now if there is none, with the key of this machine."""
        if not self.exists:
            stage = make("stage")
            write(self.folder / "stage.key", stage.text, secret=True)
            public = Key("stage", stage.public)
            with contextlib.suppress(UnderstudyError):  # one that outlived its secret half
                (self.folder / "stage.pub").unlink(missing_ok=True)
            write(self.folder / "stage.pub", public.text, secret=False)
        stage = self.stage()
        if not self.local.exists():
            local = make("local", stage.public)
            write(self.local, local.text, secret=True)
            (self._allowed / "local.pub").unlink(missing_ok=True)
            self.allow(Key("local", local.public), rights.EVERYTHING)
        return stage

    def new(self, name: str, out: Path, may: frozenset[str] = rights.USUAL) -> Path:
        """Makes the key of a machine, lets it in, and returns the file to copy there."""
        if checked_name(name) in RESERVED:
            raise UnderstudyError(f"The name {name!r} is the stage's own; take another.")
        path = out / f"{name}.key"
        for taken in (path, self._allowed / f"{name}.pub"):
            if taken.exists():
                raise UnderstudyError(
                    f"{taken} is there already; take another name, or `understudy keys revoke "
                    f"{name}` and remove it."
                )
        key = make(name, self.found().public)
        write(path, key.text, secret=True)
        self.allow(Key(name, key.public), may)
        return path

    def allow(self, key: Key, may: frozenset[str] = rights.USUAL) -> None:
        """Lets a public key in, under its name. What its own file says that it may is nothing."""
        for name, known in self.allowed().items():
            if known.public == key.public:
                raise UnderstudyError(f"This key is let in already, as {name}.")
        public_half = Key(checked_name(key.name), key.public, may=may)
        write(self._allowed / f"{key.name}.pub", public_half.text, secret=False)

    def permit(self, name: str, may: frozenset[str]) -> None:
        """Gives a key that is let in other rights; the rest of its file stays as it is."""
        path = self._allowed / f"{checked_name(name)}.pub"
        if not path.exists():
            raise UnderstudyError(self._unknown(name))
        content = _content(path)
        _key(path, content)  # rights would not mend what is no key
        write(path, rights.into_file(content, may), secret=False, anew=True)

    def revoke(self, name: str) -> None:
        """Lets a name in no more."""
        try:
            (self._allowed / f"{checked_name(name)}.pub").unlink()
        except FileNotFoundError:
            raise UnderstudyError(self._unknown(name)) from None
        except OSError as error:
            raise Failure(f"{name} stays let in: {error.strerror}.") from None

    def _unknown(self, name: str) -> str:
        return f"{name} is not let in; let in: {', '.join(self.allowed()) or 'nobody'}."

    def allowed(self) -> dict[str, Key]:
        """Who is let in and what for (`may`, never None), by the names of their files."""
        return self.listed()[0]

    def listed(self) -> tuple[dict[str, Key], list[str]]:
        """Who is let in and what for, and a sentence for each file that does not say it plainly.

        A damaged file lets nobody in. One without rights is from before there were any: it gives
        all. A word that is no right gives nothing. A key in two files may what both say.
        """
        found: dict[str, Key] = {}
        sentences: list[str] = []
        by_public: dict[str, str] = {}
        for path in sorted(self._allowed.glob("[!.]*.pub")):
            name = path.stem
            try:
                content = _content(path)
                key = _key(path, content)
            except UnderstudyError as error:
                sentences.append(f"{error} It lets nobody in.")
                continue
            may, unknown = rights.of_file(content)
            if may is None:
                may = rights.EVERYTHING
                if name != "local":
                    sentences.append(
                        f"The key {name} is from before keys had rights and may do all; "
                        f"`understudy keys may {name} listen` says less, `... {name} all` just so."
                    )
            if unknown:
                sentences.append(
                    f"{path}: {unknown[0]!r} is no right ({rights.text(rights.EVERYTHING)}); "
                    f"{name} may {rights.text(may)}."
                )
            if (twin := by_public.get(key.public)) is not None:
                may &= found[twin].may or frozenset()
                found[twin] = replace(found[twin], may=may)
                sentences.append(
                    f"{twin} and {name} are one key, which may what both files say: "
                    f"{rights.text(may)}."
                )
            by_public[key.public] = name
            found[name] = Key(name, key.public, may=may)
        return found, sentences

    def fingerprint(self) -> tuple[tuple[str, int, int, int], ...]:
        """Changes whenever the list does, and is quicker to read."""
        try:
            with os.scandir(self._allowed) as entries:
                seen = [
                    (e.name, e.stat().st_mtime_ns, e.stat().st_size, e.inode()) for e in entries
                ]
        except OSError:
            return ()
        return tuple(sorted(seen))

"""Opens a trained network: the ONNX file and the card beside it must agree, or nothing is opened.

No torch here: this is all that the run time needs of models/.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime as ort
from msgspec import Meta, Struct

from understudy.runtime.core import typed
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.skeleton import Skeleton

WEIGHTS = Path(__file__).parents[2] / "models" / "weights"
FORMAT = 1
REMEDY = "restore it, or train the network again"
# What each kind of network takes and gives, by the names of its tensors.
KINDS = {
    "motion": {"body", "path", "memory", "next_body", "next_memory", "rotations"},
    "actions": {"take", "time", "hips", "rotations", "contacts", "travel"},
    "takeover": {"now", "before", "memory", "next", "next_memory", "next_rotations", "error_m"},
    "footsteps": {"seen", "memory", "chances", "standing", "next_memory"},
}
_MADE_BY = {"actions": "motion"}
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class Tensor(Struct):
    """What goes in or comes out: its shape, the number of bodies first."""

    shape: Annotated[list[int | str], Meta(min_length=1)]


class CardSkeleton(Struct):
    """The skeleton that a network moves."""

    id: str


class Version(Struct):
    """What tells the version that wrote a card."""

    format: int


class Card(Struct):
    """What every network's card has; a network's own parts are its reader's."""

    sha256: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    skeleton: CardSkeleton


def read_card(
    path: Path,
    skeleton: Skeleton | None = None,
    kind: str = "",
    parts: type[Any] = Card,
) -> dict[str, Any]:
    """The card of an ONNX file, once file, card and skeleton are known to belong together.

    kind   of `KINDS`, what the network has to be
    parts  a struct of what its card must have besides
    """
    beside = path.with_suffix(".json")
    if not path.is_file():
        raise UnderstudyError(
            f"There is no network {path}; give another file, or make one with `understudy train`."
        )
    if not beside.is_file():
        raise UnderstudyError(f"{path.name} has no card {beside}; both files belong together.")
    fmt = typed.read_json(beside, Version, "network's card", REMEDY).format
    if fmt != FORMAT:
        raise UnderstudyError(
            f"The card {beside} has format {fmt}, this version reads {FORMAT}; train it again."
        )
    wanted = typed.read_json(beside, Card, "network's card", REMEDY).sha256
    card = typed.read_json(beside, dict[str, Any], "network's card", REMEDY)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wanted:
        raise UnderstudyError(
            f"{path} is not the file its card describes (sha256 {found[:12]}, the card says "
            f"{wanted[:12]!r}); restore both files together."
        )
    if kind and not KINDS[kind] <= {*card["inputs"], *card["outputs"]}:
        raise UnderstudyError(
            f"{path.name} is no {kind} network: it takes {', '.join(card['inputs'])}; give one "
            f"made by `understudy train {_MADE_BY.get(kind, kind)}`."
        )
    typed.read_json(beside, parts, "network's card", REMEDY)
    if skeleton is not None and card["skeleton"]["id"] != f"{skeleton.id:016x}":
        raise UnderstudyError(
            f"{path.name} was trained for skeleton {card['skeleton']['id']}, this program's is "
            f"{skeleton.id:016x}; train it again with this version."
        )
    return card


def providers(wish: str) -> list[str]:
    """ONNX Runtime's provider names for "auto", "cuda" or "cpu"."""
    available = ort.get_available_providers()
    if wish not in ("auto", *_PROVIDERS):
        raise UnderstudyError(f"Provider {wish!r} is unknown; choose auto, cuda or cpu.")
    if wish == "cuda" and _PROVIDERS["cuda"] not in available:
        raise Failure(
            "Provider 'cuda' is not in this ONNX Runtime; install onnxruntime-gpu, or use cpu."
        )
    order = ["cuda", "cpu"] if wish == "auto" else [wish, "cpu"]
    return list(dict.fromkeys(_PROVIDERS[p] for p in order if _PROVIDERS[p] in available))


class Network:
    """An open ONNX Runtime session and its card.

    On the CPU the network reads and writes the caller's arrays. On another device it has memory
    there for each, and copies what the host reads or writes around every run: a binding by itself
    copies once, when it is made, and would run on old inputs for ever after.
    """

    def __init__(self, session: ort.InferenceSession, card: dict[str, Any]) -> None:
        self._session: ort.InferenceSession | None = session
        self.card = card
        self.provider_name = str(session.get_providers()[0])
        self.device = "cuda" if self.provider_name == _PROVIDERS["cuda"] else "cpu"
        self.staged = self.device != "cpu"  # set before binding, it tries the copies on the CPU
        # Device memory of each array that was bound, by its address: two bindings that hand a state
        # to and fro between two arrays share it.
        self._staging: dict[int, tuple[np.ndarray, ort.OrtValue]] = {}

    def bind(
        self,
        inputs: dict[str, np.ndarray],
        outputs: dict[str, np.ndarray],
        resident: Collection[str] = (),
    ) -> Callable[[], None]:
        """A function that runs the network from and into these arrays, with nothing allocated.

        What is `resident` stays on the device from run to run and is not copied: the host's arrays
        of these names are up to date only after `pull`, and changes to them count after `push`.
        """
        session = self._session
        assert session is not None, "the network is closed"
        binding = session.io_binding()
        for array in (*inputs.values(), *outputs.values()):
            assert array.flags.c_contiguous and array.dtype == np.float32
        if self.staged:
            for name, array in inputs.items():
                binding.bind_ortvalue_input(name, self._staged(array))
            for name, array in outputs.items():
                binding.bind_ortvalue_output(name, self._staged(array))
            up = [a for name, a in inputs.items() if name not in resident]
            down = [a for name, a in outputs.items() if name not in resident]

            def run_staged() -> None:
                for array in up:
                    self.push(array)
                session.run_with_iobinding(binding)
                for array in down:
                    self.pull(array)

            return run_staged
        for name, array in inputs.items():
            binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        for name, array in outputs.items():
            binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        kept = (binding, inputs, outputs)  # the addresses above must outlive the binding

        def run() -> None:
            session.run_with_iobinding(kept[0])

        return run

    def _staged(self, array: np.ndarray) -> ort.OrtValue:
        """The device's memory for an array of the host."""
        address = array.ctypes.data
        if address not in self._staging:
            shape = list(array.shape)
            value = ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self.device, 0)
            value.update_inplace(array)
            self._staging[address] = (array, value)  # the array kept: its address is the key
        return self._staging[address][1]

    def push(self, array: np.ndarray) -> None:
        """Copies a bound array of the host to the device; nothing to do where they are one."""
        if self.staged:
            self._staged(array).update_inplace(array)

    def pull(self, array: np.ndarray) -> None:
        """Copies the device's memory of a bound array to the host; nothing where they are one."""
        if self.staged:
            np.copyto(array, self._staged(array).numpy())

    def close(self) -> None:
        """Lets the session go."""
        self._session = None
        self._staging.clear()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@functools.lru_cache(maxsize=16)
def _opened(
    path: Path,
    stamp: tuple[int, ...],
    provider: str,
    skeleton: Skeleton | None,
    threads: int,
    kind: str,
    parts: type[Any],
) -> tuple[ort.InferenceSession, dict[str, Any]]:
    """Session and card, opened once a file as it stands there: opening takes long and holds the
    interpreter, and a stage that gets another subject while it runs has no time for it."""
    card = read_card(path, skeleton, kind, parts)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # A spinning worker would take the core that the stage's tick waits on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(str(path), options, providers=providers(provider))
    except UnderstudyError:
        raise
    except Exception as error:
        cause = str(error).strip().splitlines()[0][:160]
        raise UnderstudyError(f"ONNX Runtime cannot open {path}: {cause}") from None
    used = session.get_providers()[0]
    if provider == "cuda" and used != _PROVIDERS["cuda"]:  # ORT falls back without a word
        raise Failure(
            f"Provider 'cuda' did not start ({used} would run instead); `understudy doctor` tells "
            "what the driver lacks, or use cpu."
        )
    for side, found in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        have = {node.name: list(node.shape[1:]) for node in found}
        want = {name: list(entry["shape"][1:]) for name, entry in card[side].items()}
        if have != want:
            raise UnderstudyError(
                f"{path.name}: its {side} are {have}, its card says {want}; restore both files."
            )
    return session, card


def open_network(
    path: Path,
    provider: str = "auto",
    skeleton: Skeleton | None = None,
    threads: int = 1,
    kind: str = "",
    parts: type[Any] = Card,
) -> Network:
    """Opens a network that its card vouches for; anything else is one sentence.

    kind and parts are `read_card`'s.
    """
    path = Path(path)
    files = (path, path.with_suffix(".json"))
    stats = [file.stat() for file in files if file.is_file()]
    stamp = tuple(n for s in stats for n in (s.st_mtime_ns, s.st_size, s.st_ino))
    return Network(*_opened(path, stamp, provider, skeleton, threads, kind, parts))  # type: ignore[arg-type]

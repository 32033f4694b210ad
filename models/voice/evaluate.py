"""How well a mouth follows a voice: correlation of curves, and lips that shut when they should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.fft import dct

from understudy.models.voice.data import Utterance
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources.speech import AHEAD, BANDS, MOUTH
from understudy.runtime.sources.throat import Throat

PRESS = MOUTH.index("mouthPress")
NEAR = 1  # frames beside a closure in which it still counts


def correlation(pairs: Sequence[tuple[Array, Array]]) -> float:
    """Mean over the curves of Pearson's, of answers and truths (T, C) one after the other."""
    answer, truth = (np.concatenate([p[k] for p in pairs]) for k in (0, 1))
    each = []
    for k in range(truth.shape[1]):
        if truth[:, k].std() > 0.01:
            flat = answer[:, k].std() < 1e-6
            each.append(0.0 if flat else np.corrcoef(answer[:, k], truth[:, k])[0, 1])
    return float(np.mean(each))


def closures(shut: np.ndarray) -> list[tuple[int, int]]:
    """Runs of frames, each as first and last + 1."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def f1(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    """Of closures that were made (T,) and wanted (T,): events within a frame of one another."""
    hit = missed = false = 0
    for made, wanted in pairs:
        for a, b in closures(wanted):
            found = made[max(a - NEAR, 0) : b + NEAR].any()
            hit, missed = hit + int(found), missed + int(not found)
        for a, b in closures(made):
            false += int(not wanted[max(a - NEAR, 0) : b + NEAR].any())
    return 2 * hit / max(2 * hit + missed + false, 1)


def threshold(answers: Sequence[tuple[Array, Utterance]]) -> float:
    """How much pressed lips are shut lips: what serves best on what was trained on."""
    tried = np.linspace(0.05, 0.4, 15)
    return float(max(tried, key=lambda t: f1([(a[:, PRESS] > t, u.shut) for a, u in answers])))


def judged(
    answer: Callable[[Utterance], Array],
    trained: Sequence[Utterance],
    held: Sequence[Utterance],
    throat: Throat | None = None,
) -> dict[str, float]:
    """Figures of a voice's sentences; throat: thinks of its speaker's from the first one on."""
    level = threshold([(answer(u), u) for u in trained])
    if throat is not None:
        held = [replace(u, heard=bent(u.heard, throat)) for u in held]
    found = [(answer(u), u) for u in held]
    return {
        "correlation": round(correlation([(a, u.mouth) for a, u in found]), 3),
        "lip closure F1": round(f1([(a[:, PRESS] > level, u.shut) for a, u in found]), 3),
    }


def bent(heard: Array, throat: Throat) -> Array:
    """(T, 2 * BANDS) as a listener hears it."""
    rows = [throat.bent(row.reshape(2, BANDS)).reshape(-1) for row in heard.astype(np.float32)]
    return np.array(rows).reshape(heard.shape)


def usual(utterances: Sequence[Utterance]) -> Array:
    """(BANDS,) the mean of speech, without what is quiet."""
    flat = np.concatenate([u.heard for u in utterances]).reshape(-1, 2, BANDS).mean(1)
    loud = flat.mean(1)
    return np.asarray(flat[loud > np.percentile(loud, 40)].mean(0))


def cepstra(heard: Array) -> Array:
    """(T, 26) twelve MFCC and the loudness of both columns of a frame."""
    return dct(heard.reshape(len(heard), 2, BANDS), norm="ortho", axis=-1)[..., :13].reshape(
        len(heard), -1
    )


def templates(trained: Sequence[Utterance], count: int = 64) -> Callable[[Utterance], Array]:
    """The mean mouth of the nearest of 64 clusters of MFCC, three frames smoothed."""
    from scipy.cluster.vq import kmeans2, vq, whiten

    flat = np.concatenate([cepstra(u.heard) for u in trained])
    mouth = np.concatenate([u.mouth for u in trained])
    spread = flat.std(0)
    centres, label = kmeans2(flat / spread, count, seed=3, minit="++")
    means = np.stack([
        mouth[label == k].mean(0) if (label == k).any() else mouth.mean(0) for k in range(count)
    ])  # fmt: skip
    del whiten

    def answer(u: Utterance) -> Array:
        rows = means[vq(cepstra(u.heard) / spread, centres)[0]]
        return np.stack(
            [np.convolve(rows[:, k], [0.25, 0.5, 0.25], "same") for k in range(len(MOUTH))], 1
        )

    return answer


def energy(trained: Sequence[Utterance]) -> Callable[[Utterance], Array]:
    """Ridge regression from loudness, now and around, to the mouth: the usual rule."""

    def loud(u: Utterance) -> Array:
        x = u.heard.mean(1)
        x = np.stack([np.roll(x, k) for k in (-AHEAD, -1, 0, 1, 2)], 1)
        return np.concatenate([x, np.ones((len(x), 1))], 1)

    x = np.concatenate([loud(u) for u in trained])
    y = np.concatenate([u.mouth for u in trained])
    w = np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y)
    return lambda u: loud(u) @ w

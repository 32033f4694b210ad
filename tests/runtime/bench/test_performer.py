"""The bench of cost: batches, 8-bit variants, and a crowd on CUDA that says when it was not run."""

import numpy as np
import pytest

from understudy.runtime.bench import performer, quantized
from understudy.runtime.core import networks
from understudy.runtime.performer.control.performer import Performer

SHIPPED = networks.WEIGHTS / "motion.onnx"


def test_a_roll_out_of_the_network_repeats_what_the_performer_did():
    inputs = quantized.record(None, 2, 3.0)
    assert all(len(array) == 180 for array in inputs.values())
    shape, way = quantized.rolled_out(SHIPPED, inputs, np.array([100]))
    again, _ = quantized.rolled_out(SHIPPED, inputs, np.array([100]))
    np.testing.assert_array_equal(shape, again)
    truth = quantized._joints(inputs["body"][160])
    assert np.linalg.norm(shape[0] - truth, axis=-1).mean() < 0.1
    assert np.isfinite(way).all()


def test_8_bit_networks_are_smaller_and_their_cards_vouch_for_them(tmp_path):
    pytest.importorskip("onnx")
    inputs = quantized.record(None, 2, 1.5)
    for path in quantized.make(SHIPPED, tmp_path, inputs).values():
        assert path.stat().st_size < 0.45 * SHIPPED.stat().st_size
        with Performer(1, path, "cpu") as body:
            body.step([trial_intent()])
            assert np.isfinite(body.rotations).all()


def trial_intent():
    from understudy.runtime.core.pose import Intent

    return Intent(np.array([0.0, 1.0]), np.zeros(2))


def test_a_tick_has_a_cost():
    p50, p99, provider = performer.tick_ms(2, 10)
    assert 0.0 < p50 <= p99
    assert provider == "CPUExecutionProvider"


def test_a_crowd_without_a_gpu_says_so():
    if "CUDAExecutionProvider" in networks.providers("auto"):
        pytest.skip("there is a CUDA provider")
    (figure,) = performer._crowd(True)
    assert figure.met is None
    assert figure.value is None and figure.conditions.startswith("no CUDA device")


@pytest.mark.gpu
def test_a_crowd_of_1024_on_the_gpu():
    """Speed is judged in the bench; here: it runs, and moves bodies as the CPU does."""
    try:
        gpu = Performer(performer.CROWD, provider="cuda")
    except Exception as error:
        pytest.skip(f"not run: no CUDA device ({error})")
    with gpu, Performer(1, provider="cpu") as cpu:
        for _ in range(60):
            gpu.step([trial_intent()] * gpu.count)
            cpu.step([trial_intent()])
        assert gpu.provider_name == "CUDAExecutionProvider"
        np.testing.assert_allclose(
            gpu.positions[:, 0], gpu.positions[:1, 0].repeat(1024, 0), atol=1e-3
        )
        np.testing.assert_allclose(gpu.positions[0], cpu.positions[0], atol=0.01)

"""The network on an NVIDIA GPU; says so where there is none."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.performer import Performer

HAS_CUDA = "CUDAExecutionProvider" in ort.get_available_providers()


@pytest.mark.gpu
def test_the_gpu_moves_bodies_as_the_cpu_does():
    if not HAS_CUDA:
        pytest.skip("this ONNX Runtime has no CUDA provider: not run on a GPU")
    try:
        gpu = Performer(4, provider="cuda")
    except UnderstudyError as error:
        pytest.skip(f"not run on a GPU: {error}")
    walk = [Intent(np.array([0.0, 0.8]))] * 4
    with gpu, Performer(4, provider="cpu") as cpu:
        assert gpu.provider_name == "CUDAExecutionProvider"
        for _ in range(60):
            gpu.step(walk)
            cpu.step(walk)
        # One second of feedback multiplies the difference in rounding.
        np.testing.assert_allclose(gpu.positions, cpu.positions, atol=0.01)


def test_asking_for_cuda_where_there_is_none_is_a_sentence():
    if HAS_CUDA:
        pytest.skip("this ONNX Runtime has a CUDA provider")
    with pytest.raises(UnderstudyError, match="onnxruntime-gpu"):
        Performer(1, provider="cuda")

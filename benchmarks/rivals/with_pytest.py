"""The same twelve cases as parameters of one test of pytest's."""

from __future__ import annotations

import importlib
import os
import sys

import numpy as np
import pytest

sys.path.insert(0, os.getcwd())
conv2d = importlib.import_module("conv2d").conv2d
CASES = np.load(os.environ["CASES"])


@pytest.mark.parametrize("number", range(len(CASES.files) // 5))
def test_conv2d(number: int) -> None:
    """The result is the expected one."""
    x, w, b, (stride, padding), y = (CASES[f"{name}{number}"] for name in ("x", "w", "b", "s", "y"))
    np.testing.assert_allclose(conv2d(x, w, b, int(stride), int(padding)), y)

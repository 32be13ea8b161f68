"""Twelve fixed cases of conv2d as Gradescope's harness runs them: import the submission, unittest, results.json."""

from __future__ import annotations

import importlib
import json
import os
import sys
import unittest
from collections.abc import Callable
from typing import Any

import numpy as np

sys.path.insert(0, os.getcwd())
conv2d = importlib.import_module("conv2d").conv2d
CASES = np.load(os.environ["CASES"])


class TestConv2d(unittest.TestCase):
    """One test a case; they are added below."""


def case(number: int) -> Callable[[TestConv2d], None]:
    def test(self: TestConv2d) -> None:  # noqa: ARG001 - what unittest passes
        x, w, b, (stride, padding), y = (CASES[f"{name}{number}"] for name in ("x", "w", "b", "s", "y"))
        np.testing.assert_allclose(conv2d(x, w, b, int(stride), int(padding)), y)

    return test


for index in range(len(CASES.files) // 5):
    setattr(TestConv2d, f"test_{index:02}", case(index))


def main() -> None:
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(TestConv2d)
    with open(os.devnull, "w") as nowhere:
        result = unittest.TextTestRunner(stream=nowhere).run(suite)
    bad: list[Any] = [*result.failures, *result.errors]
    tests = [{"name": str(test), "score": 0, "output": text} for test, text in bad]
    with open("results.json", "w") as file:
        json.dump({"score": result.testsRun - len(bad), "tests": tests}, file)


main()

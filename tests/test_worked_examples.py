"""Every published worked example comes out of the reference solvers: one route a kind, and no kind without one."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from solutions import activations, convolution, counting, filters, gradients, planes, pooling, shapes
from tests.worked import Example, example, examples

ROOT = Path(__file__).resolve().parents[1]
Given = dict[str, Any]


def exact(value: Any) -> Any:
    """Return nested lists as tuples, decimals as the fractions that they are written as."""
    if isinstance(value, list | tuple):
        return tuple(exact(item) for item in value)
    return Fraction(str(value)) if isinstance(value, int | float) else value


def plain(value: Any) -> Any:
    """Return tuples and arrays as nested lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


# Maps ------------------------------------------------------------------------------------------------------


def maps(given: Given) -> Any:
    """Return (F, H, W): the maps of an image, or of a volume, through the kernels of the example."""
    x, w = np.array(given["image"], float), np.array(given["kernels"], float)
    x, w = x.reshape(1, -1, *x.shape[-2:]), w.reshape(w.shape[0], -1, *w.shape[-2:])
    b = np.array(given["bias"], float) if "bias" in given else None
    return convolution.conv2d(x, w, b, tuple(given["stride"]), tuple(given["padding"]))[0]


def sigmoid_maps(given: Given) -> Any:
    return activations.sigmoid(maps(given))


def pooled(function: Callable[..., Any]) -> Callable[[Given], Any]:
    """Return the route of maps that are given."""
    return lambda given: function(
        np.array([given["maps"]], float), tuple(given["kernel_size"]), tuple(given["stride"])
    )[0]


def pooled_sigmoid(function: Callable[..., Any]) -> Callable[[Given], Any]:
    """Return the route of maps that are made from an image first."""
    return lambda given: function(sigmoid_maps(given)[None], tuple(given["kernel_size"]), tuple(given["pool_stride"]))[
        0
    ]


def euclidean(given: Given) -> list[list[Any]]:
    """Return the roots of the windows' sums of squares, exactly."""
    (plane,) = given["maps"]
    rows = planes.windows(plane, tuple(given["kernel_size"]), tuple(given["stride"]))
    return [[sympy.sqrt(sum(v * v for v in planes.entries(window))) for window in row] for row in rows]


# Sizes and numbers -----------------------------------------------------------------------------------------


def size(given: Given) -> Any:
    """Return one axis as a number, both as a shape, in the form that the example's answer has."""
    if "conv" in given:
        conv = given["conv"]
        place = (tuple(conv[name]) for name in ("kernel_size", "stride", "padding"))
        return [conv["out_channels"], *shapes.output_shape(given["input"][1:], *place)]
    if "filters" in given:
        return shapes.output_size(given["input"][2], given["kernel_size"][1], given["stride"], given["padding"])
    if "image" in given:
        made = shapes.output_shape(given["image"][:2], tuple(given["kernel_size"]), given["stride"], 0)
        return {"feature_map": plain(made), "pooled_5x5_stride5": plain(shapes.pool_shape(made, 5, 5))}
    padding = given["padding"]
    if isinstance(padding, str):
        padding = shapes.mode_padding(padding, given["kernel_size"])
    return shapes.output_size(given["input_size"], given["kernel_size"], given["stride"], padding)


def filter_layer(given: Given) -> dict[str, Any]:
    """Return the first layer of AlexNet as `solutions.counting` describes layers."""
    layer = {"type": "conv2d", "in_channels": given["input"][0], "out_channels": given["filters"]}
    return {**layer, "kernel_size": tuple(given["kernel_size"]), **{k: given[k] for k in given.keys() & PLACE}}


PLACE = {"stride", "padding"}
_CONV = re.compile(r"conv (\d+) @ (\d+)x\2(?: valid)?")
_POOL = re.compile(r"(?:max)?pool (\d+)x\1(?: stride (\d+))?")


def layers(given: Given) -> list[dict[str, Any]]:
    """Return the layers that an example names in words, with what each takes in; what changes no shape is left out."""
    found: list[dict[str, Any]] = []
    shape = tuple(given["input"])
    for text in given["layers"]:
        if conv := _CONV.fullmatch(text):
            kernel = int(conv[2])
            new = {"type": "conv2d", "in_channels": shape[0], "out_channels": int(conv[1]), "kernel_size": kernel}
        elif pool := _POOL.fullmatch(text):
            new = {"type": "max_pool2d", "kernel_size": int(pool[1]), "stride": int(pool[2] or pool[1])}
        elif text == "flatten":
            new = {"type": "flatten"}
        elif text.startswith("fc "):
            if len(shape) == 3:
                found.append({"type": "flatten"})
                shape = counting.layer_shape(found[-1], shape)
            new = {"type": "linear", "in_features": shape[0], "out_features": int(text[3:])}
        else:
            assert text in {"relu", "dropout", "log_softmax"}, text
            continue
        found.append(new)
        shape = counting.layer_shape(new, shape)
    return found


def architecture(given: Given, answer: Any) -> dict[str, Any]:
    """Return those figures of a network that the example gives."""
    network = layers(given)
    made = counting.layer_shapes(network, given["input"])
    weights = counting.count_weights(network)
    last = counting.layer_weights(network[-1])
    figures = {
        "conv": plain(made[0]),
        "pool": plain(made[1]),
        "flatten": next(shape[0] for shape in made if len(shape) == 1),
        "output_shapes": plain(made),
        "parameters": plain(counting.parameters_by_layer(network)),
        "total": counting.count_parameters(network),
        "total_parameters": counting.count_parameters(network),
        "weights_only": weights,
        "weights_only_without_last_fc": weights - last,
    }
    return {name: figures[name] for name in answer}


def parameters(given: Given) -> Any:
    """Return a count of weights or parameters; what is given says of what."""
    if "layers" in given:
        return counting.count_parameters(layers(given))
    if "kernels" in given:
        (inputs, outputs, weights) = counting.kernel_tensor(given["kernels"])
        return {"in_channels": inputs, "out_channels": outputs, "weights": weights}
    if "kernel" in given:
        channels, *kernel = given["kernel"]
        return counting.conv_weights(channels, 1, tuple(kernel))
    if "filter" in given:
        channels, *kernel = given["filter"]
        return counting.conv_parameters(channels, 1, tuple(kernel))
    if "filters" in given:
        return counting.layer_parameters(filter_layer(given))
    inputs = counting.units(given["input"])
    if "fully_connected_units" in given:
        return counting.linear_parameters(inputs, given["fully_connected_units"])
    if "hidden_units" in given:
        return counting.linear_weights(inputs, given["hidden_units"])
    count = counting.mlp_weights if "weights" in given.get("count", "") else counting.mlp_parameters
    return count([inputs, *given["hidden"], *([given["output"]] if "output" in given else [])])


def units(given: Given) -> int:
    return counting.units(counting.layer_shape(filter_layer(given), tuple(given["input"])))


def depth(given: Given) -> dict[str, Any]:
    fit = shapes.max_valid_layers(given["image"], tuple(given["kernel_size"]))
    side = given["image"][0]
    for _ in range(fit):
        side = shapes.output_size(side, given["kernel_size"][0])
    return {"layers": fit, "last_output": [side, side]}


# Gradients -------------------------------------------------------------------------------------------------


def symbols(name: str, rows: int, columns: int) -> planes.Plane:
    return tuple(tuple(sympy.Symbol(f"{name}{r}{c}") for c in range(1, columns + 1)) for r in range(1, rows + 1))


def input_gradient(given: Given) -> Any:
    upstream, kernel = exact(given["upstream"]), exact(given["kernel"])
    side = [u + k - 1 for u, k in zip((len(upstream), len(upstream[0])), (len(kernel), len(kernel[0])), strict=True)]
    return gradients.of_image(upstream, kernel, (side[0], side[1]))


def symbolic_gradient(given: Given) -> dict[str, Any]:
    """Return dW and db as formulas: the solver is fed with symbols."""
    size = tuple(given["kernel_size"])
    out = shapes.output_shape(given["input"], size, given["stride"], given["padding"])
    upstream = symbols("dh", *out)
    made = gradients.of_kernel(symbols("X", *given["input"]), upstream, size)
    weights = {f"dW{r}{c}": made[r - 1][c - 1] for r in (1, 2) for c in (1, 2)}
    return {**weights, "db": sum(planes.entries(upstream))}


# The routes ------------------------------------------------------------------------------------------------

ROUTES: dict[str, Callable[[Given], Any]] = {
    "conv2d": maps,
    "conv2d+sigmoid": sigmoid_maps,
    "max_pool2d of the sigmoid maps": pooled_sigmoid(pooling.max_pool2d),
    "avg_pool2d of the sigmoid maps": pooled_sigmoid(pooling.avg_pool2d),
    "max_pool2d": pooled(pooling.max_pool2d),
    "avg_pool2d": pooled(pooling.avg_pool2d),
    "lp_pool2d, norm_type 2": euclidean,
    "output size": size,
    "patch count": lambda given: shapes.patch_count(given["image"], tuple(given["kernel_size"])),
    "inner product of kernel and patch": lambda given: filters.response(exact(given["kernel"]), exact(given["patch"])),
    "how many valid 3x3 stride-1 convolutions fit": depth,
    "parameters": parameters,
    "units": units,
    "kernel effect": lambda given: filters.effect(exact(given["kernel"])),
    "gradient of the input": input_gradient,
    "gradient of the kernel, symbolic": symbolic_gradient,
}


def solved(case: Example) -> Any:
    """Return what the solvers make of an example."""
    if case["kind"] == "architecture":
        return architecture(case["given"], case["answer"])
    return ROUTES[case["kind"]](case["given"])


def agrees(got: Any, want: Any) -> bool:
    """Are they the same: structure, whole numbers and words exactly, other numbers to 1e-9, formulas as formulas?"""
    if isinstance(want, dict):
        return got.keys() == want.keys() and all(agrees(got[name], want[name]) for name in want)
    if isinstance(want, list):
        got = plain(got)
        return isinstance(got, list) and len(got) == len(want) and all(map(agrees, got, want))
    if isinstance(got, sympy.Basic):
        return bool(sympy.expand(got - sympy.sympify(want)) == 0)
    if isinstance(want, str | int):
        return bool(got == want)
    return bool(abs(got - want) <= 1e-9)


def wanted(case: Example) -> Any:
    """Return an example's answer; exact radicals are written as text."""
    answer = case["answer"]
    if isinstance(answer, str) and answer.startswith("[["):
        return [re.findall(r"sqrt\(\d+\)", row) for row in answer[1:-1].split("],")]
    return answer


@pytest.mark.parametrize("name", examples())
def test_a_published_example_comes_out(name: str) -> None:
    """What five courses have printed is what these solvers say, or it stands in the page of errata."""
    case = example(name)
    assert agrees(solved(case), wanted(case)), solved(case)


def test_all_examples_have_a_route() -> None:
    """A new kind of example must not be left out in silence, nor a route stand here for nothing."""
    kinds = {case["kind"] for case in examples().values()}
    assert kinds == {*ROUTES, "architecture"}
    assert len(examples()) >= 56


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("ist-alexnet-width", 54),
        ("wang-edge-bump", 0.8001),
        ("wang-max-depth", {"layers": 14, "last_output": [2, 2]}),
        ("cnn-maxpool", [[[23.0, 9.0]]]),
        ("ist-kernel-f1", "thin vertical line"),
    ],
)
def test_a_wrong_answer_is_told_apart(name: str, wrong: Any) -> None:
    """The comparison of these tests is a check as well: it must refuse."""
    assert not agrees(solved(example(name)), wrong)


def test_wrong_radicals_and_formulas_are_told_apart() -> None:
    """Formulas are compared after expanding: another order is the same, another sign is not."""
    assert not agrees(solved(example("cnn-pool-overlap-l2")), [["sqrt(18)", "sqrt(26)"], ["sqrt(18)", "sqrt(17)"]])
    made = solved(example("cnn-backprop-dw-symbolic"))["db"]
    assert agrees(made, "dh22 + dh21 + dh12 + dh11")
    assert not agrees(made, "dh22 + dh21 + dh12 - dh11")


# What was printed wrongly ----------------------------------------------------------------------------------


@cache
def errata() -> str:
    return (ROOT / "docs" / "errata.md").read_text(encoding="utf-8")


def printed_otherwise() -> list[str]:
    return [name for name, case in examples().items() if case.get("published", case["answer"]) != case["answer"]]


def test_every_misprint_has_an_entry() -> None:
    """A student who checks a handout against our answer finds out which of the two to believe."""
    entries = set(re.findall(r"^## .*\(`([\w-]+)`\)$", errata(), re.MULTILINE))
    assert entries == {*printed_otherwise(), "aps-conv-vertical"}


def first_difference(printed: Any, right: Any) -> tuple[Any, Any]:
    """Return the first pair of numbers that differ."""
    flat = [np.ravel(np.array(value, float)).tolist() for value in (printed, right)]
    return next(pair for pair in zip(*flat, strict=True) if pair[0] != pair[1])


@pytest.mark.parametrize("name", printed_otherwise())
def test_an_entry_gives_the_printed_and_the_right_number(name: str) -> None:
    """The numbers of the page are those of the example, so the page cannot go stale."""
    case = example(name)
    (section,) = (part for part in errata().split("\n## ") if f"(`{name}`)" in part)
    for label, value in zip(("Printed", "Right"), first_difference(case["published"], case["answer"]), strict=True):
        line = next(line for line in section.splitlines() if line.startswith(f"- **{label}:**"))
        assert f"{value:g}" in re.findall(r"-?\d+(?:\.\d+)?", line), line
        assert not agrees(solved(case), case["published"])


def test_the_flipped_definition_would_give_other_numbers() -> None:
    """The handout's definition and its figures exclude each other, which is what the page says."""
    case = example("aps-conv-vertical")
    given = case["given"]
    flipped = maps({**given, "kernels": [planes.rotate(kernel) for kernel in given["kernels"]]})
    assert flipped.tolist() == (-np.array(case["answer"])).tolist()
    assert maps(given)[0, 0, :2].tolist() == [6, -9]

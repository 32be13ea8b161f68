"""One-hot rows and the train/validation split: against other libraries, and the mistakes that must be refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from exercises.contracts.data import CONTRACTS, Task, held_back, problem_of, tails
from grader.contract import Contract, Twin
from grader.draw import Draw
from grader.functions.cases import CaseSet, case_set
from grader.functions.judge import TOGETHER, judge
from grader.functions.local import LocalSession
from grader.functions.runner import Runner
from grader.outcome import Outcome, PartResult
from solutions.data import one_hot, train_valid_split

BY_NAME = {contract.name: contract for contract in CONTRACTS}
TWINS = [pytest.param(c, t, id=f"{c.name}-{t.name}") for c in CONTRACTS for t in c.twins]


@cache
def cases(contract: str, key: bytes = b"data") -> CaseSet:
    return case_set(BY_NAME[contract], key)


def grade(contract: str, function: Callable[..., Any], key: bytes = b"data") -> PartResult:
    return judge(
        cases(contract, key), Runner(lambda: LocalSession({contract: function})), "data", Fraction(1), trials=0
    )


# The references --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_one_hot_rows_are_those_of_pytorch(dtype: str) -> None:
    """For every integer dtype, also without labels, and where the last classes do not occur."""
    for number in range(200):
        rng = Draw("one_hot", dtype, number)
        size = rng.integer(1, 300 if dtype != "uint8" else 256)
        labels = np.array([rng.below(size) for _ in range(rng.integer(0, 6))], dtype=dtype)
        got = one_hot(labels, size)
        want = torch.nn.functional.one_hot(torch.tensor(labels.astype(np.int64)), size).numpy()
        assert got.dtype == np.float64
        assert np.array_equal(got, want)


def test_labels_outside_the_classes_are_an_error() -> None:
    """A row of zeros for a label that is not there would train a network on nothing."""
    with pytest.raises(ValueError, match="labels must be from 0 to 2"):
        one_hot(np.array([0, 3]), 3)
    with pytest.raises(ValueError, match="labels must be from 0 to 2"):
        one_hot(np.array([-1]), 3)
    with pytest.raises(ValueError, match=r"labels has the shape \(1, 1\)"):
        one_hot(np.array([[1]]), 3)


def test_a_split_holds_every_example_once_with_its_label() -> None:
    """Numbered examples show where each one went, for every size of the part held back."""
    x, y = np.arange(20), 100 + np.arange(20)
    for n_valid in range(21):
        (x_train, y_train), (x_valid, y_valid) = train_valid_split(x, y, n_valid, seed=n_valid)
        assert (len(x_train), len(x_valid)) == (20 - n_valid, n_valid)
        assert sorted([*x_train, *x_valid]) == list(range(20))
        assert np.array_equal(y_train, 100 + x_train)
        assert np.array_equal(y_valid, 100 + x_valid)


def test_every_example_is_held_back_equally_often() -> None:
    """A shuffle that favours some places would pass every other test; 2,000 seeds show it."""
    x = np.arange(6)
    held = np.zeros(6)
    for seed in range(2000):
        held[train_valid_split(x, x, 2, seed)[1][0]] += 1
    assert np.abs(held / 2000 - 1 / 3).max() < 0.05


@pytest.mark.parametrize(
    ("n_valid", "labels", "message"), [(6, 5, "from 0 to 5"), (-1, 5, "from 0 to 5"), (2, 4, "x has 5 rows, y has 4")]
)
def test_an_impossible_split_is_an_error(n_valid: int, labels: int, message: str) -> None:
    """NumPy's slices would quietly make something of it."""
    with pytest.raises(ValueError, match=message):
        train_valid_split(np.zeros(5), np.zeros(labels), n_valid, 0)


# Right functions, unlike each other ------------------------------------------------------------------------


def by_eye(labels: Any, num_classes: Any) -> Any:
    return np.eye(num_classes)[labels]


def by_assignment(labels: Any, num_classes: Any) -> Any:
    y = np.zeros((labels.shape[0], num_classes), dtype=np.float32)
    y[np.arange(len(labels)), labels] = 1
    return y


def by_loop_of_integers(labels: Any, num_classes: Any) -> Any:
    rows = [[int(k == label) for k in range(num_classes)] for label in labels.tolist()]
    return np.array(rows, dtype=np.int64).reshape(len(labels), num_classes)


def by_mask(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """Held back by a mask, so that both parts keep their order; lists for tuples."""
    mask = np.zeros(len(x), dtype=bool)
    mask[random.Random(seed).sample(range(len(x)), n_valid)] = True
    return [[x[~mask], y[~mask]], [x[mask], y[mask]]]


def by_global_generator(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """The old global generator, seeded anew in every call; the last rows of its order held back."""
    np.random.seed(seed)
    rows = np.random.permutation(len(x))
    cut = len(x) - n_valid
    return (x[rows[:cut]], y[rows[:cut]]), (x[rows[cut:]], y[rows[cut:]])


def by_pairs(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """A list of pairs shuffled with the standard library, and stacked again."""
    pairs = list(zip(x, y, strict=True))
    random.Random(seed).shuffle(pairs)
    valid, train = pairs[:n_valid], pairs[n_valid:]

    def stack(part: Any) -> Any:
        xs, ys = np.zeros((len(part), *x.shape[1:]), x.dtype), np.zeros((len(part), *y.shape[1:]), y.dtype)
        for index, (row, label) in enumerate(part):
            xs[index], ys[index] = row, label
        return xs, ys

    return stack(train), stack(valid)


RIGHT = (
    *((contract.name, contract.reference) for contract in CONTRACTS),
    *(("one_hot", function) for function in (by_eye, by_assignment, by_loop_of_integers)),
    *(("train_valid_split", function) for function in (by_mask, by_global_generator, by_pairs)),
)


@pytest.mark.parametrize(("contract", "function"), RIGHT, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("key", [b"data", b"another", b"a third"])
def test_right_functions_earn_everything(contract: str, function: Callable[..., Any], key: bytes) -> None:
    """Whatever the generator, the order within a part, lists or tuples: a right split is a right split."""
    result = grade(contract, function, key)
    assert result.outcome is Outcome.CORRECT, result.message


# Wrong ones ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("contract", "twin"), TWINS)
def test_every_twin_is_refused_and_named_alone(contract: Contract, twin: Twin) -> None:
    """A mistake is named where it fits, and no other with it: the cases tell all of them apart."""
    result = grade(contract.name, twin.function)
    assert result.outcome in (Outcome.WRONG, Outcome.PARTIAL)
    assert [(f.name, f.hint) for f in result.misconceptions] == [(twin.name, twin.hint)]


def test_a_mistake_is_named_whatever_the_generator() -> None:
    """The twin draws with NumPy, the student with `random`: the same mistake, but no number in common."""

    def apart(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
        rng = random.Random(seed)
        one, other = (rng.sample(range(len(x)), len(x)) for _ in range(2))
        return (x[one[n_valid:]], y[other[n_valid:]]), (x[one[:n_valid]], y[other[:n_valid]])

    assert [f.name for f in grade("train_valid_split", apart).misconceptions] == ["shuffled-apart"]


def always_seed_zero(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:  # noqa: ARG001 - the mistake
    return train_valid_split(x, y, n_valid, 0)


def never_seeded(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:  # noqa: ARG001 - the mistake
    return train_valid_split(x, y, n_valid, random.SystemRandom().randint(0, 10**9))


def few_seeds(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, n_valid, seed % 3)


def last_bits(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, n_valid, seed & 0xFFFFFF)


def cyclic_orders(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """Sattolo's shuffle, in which no example keeps its place."""
    rng, order = random.Random(seed), list(range(len(x)))
    for last in range(len(x) - 1, 0, -1):
        other = rng.randrange(last)
        order[last], order[other] = order[other], order[last]
    valid, train = order[:n_valid], order[n_valid:]
    return (x[train], y[train]), (x[valid], y[valid])


def first_row_kept(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """The first example is held back only where all are."""
    order = [*(1 + np.random.default_rng(seed).permutation(len(x) - 1)), 0]
    valid, train = order[:n_valid], order[n_valid:]
    return (x[train], y[train]), (x[valid], y[valid])


def too_few_exchanges(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    """Rows are exchanged half as often as there are rows, so that many stay where they were."""
    rng, order = random.Random(seed), list(range(len(x)))
    for _ in range(len(x) // 2):
        one, other = rng.randrange(len(x)), rng.randrange(len(x))
        order[one], order[other] = order[other], order[one]
    valid, train = order[:n_valid], order[n_valid:]
    return (x[train], y[train]), (x[valid], y[valid])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (too_few_exchanges, "stand in the first half, where about"),
        (last_bits, "Two different seeds give the same split"),
        (cyclic_orders, "With 1 of 3 examples held back, row 0 is among them for 0 of"),
        (first_row_kept, "held back, row 0 is among them for 0 of"),
        (always_seed_zero, "Two different seeds give the same split"),
        (few_seeds, "Two different seeds give the same split"),
        (never_seeded, "The same seed gives another split the second time"),
    ],
)
def test_the_seed_is_judged_over_all_calls(function: Callable[..., Any], message: str) -> None:
    """Each of these splits is right by itself: only calls side by side show what the seed does."""
    result = grade("train_valid_split", function)
    assert result.outcome is Outcome.PARTIAL
    assert result.score == Fraction(4, 5)
    assert result.regimes[TOGETHER] == (0, 1)
    assert message in result.message


def by_fraction(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, int(len(x) * (n_valid / max(len(x), 1))), seed)


def by_other_fraction(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, len(x) - int(len(x) * (1 - n_valid / max(len(x), 1))), seed)


def order_in_a_byte(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    order = np.random.default_rng(seed).permutation(len(x)).astype(np.uint8)
    return (x[order[n_valid:]], y[order[n_valid:]]), (x[order[:n_valid]], y[order[:n_valid]])


def labels_squeezed(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    train, (x_valid, y_valid) = train_valid_split(x, y, n_valid, seed)
    return train, (x_valid, y_valid.squeeze() if y.ndim > 1 else y_valid)


def default_seed(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, n_valid, seed or 42)


def largest_seed_is_none(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, n_valid, seed % (2**32 - 1))


def sign_of_the_seed(x: Any, y: Any, n_valid: Any, seed: Any) -> Any:
    return train_valid_split(x, y, n_valid, abs(seed - 2**32 if seed >= 2**31 else seed))


@pytest.mark.parametrize("key", [b"data", b"another"])
@pytest.mark.parametrize(
    "function",
    [
        *(by_fraction, by_other_fraction, order_in_a_byte, labels_squeezed),
        *(default_seed, largest_seed_is_none, sign_of_the_seed),
    ],
)
def test_what_few_sizes_or_seeds_show_is_found_under_every_key(function: Callable[..., Any], key: bytes) -> None:
    """Right on nearly all calls: without calls laid down for it, a mistake like these is found by luck."""
    result = grade("train_valid_split", function, key)
    assert result.outcome in (Outcome.PARTIAL, Outcome.WRONG)
    assert result.score < 1


def test_many_calls_of_a_split_are_in_several_regimes() -> None:
    """They are made for what many splits show together, and no others are needed for what each shows alone."""
    judged = cases("train_valid_split")
    inside = [case.inside for case in judged.cases[: judged.opening] if case.follows is None]
    names = ("there are many examples", "one example is held back", "the inputs are single numbers (N,)")
    assert all(sum(name in regimes for regimes in inside) > 60 for name in names)
    for name in names:
        (regime,) = (regime for regime in BY_NAME["train_valid_split"].regimes if regime.name == name)
        assert regime.holds is not None
        assert all(regime.holds(regime.draw(Draw("own", name, n))) for n in range(20))


def test_a_split_is_not_mistaken_for_an_array() -> None:
    """Junk in place of a pair of pairs gets a sentence that says what is expected, and no exception."""
    task = Task(np.arange(6.0), np.arange(6), 2)
    x, y = task.x, task.y
    for junk in (None, 3, (), (x, y), ((x, y), None), ((x, y), (x,)), ((x, 1), (x, y)), "text", ((x, y), "xy")):
        problem = problem_of(junk, task)
        assert problem.name == "form"
        assert "((x_train, y_train), (x_valid, y_valid)) is expected" in problem.sentence
    ragged = problem_of(((x[:4], np.float64(1)), (x[4:], y[4:])), task)
    assert ragged.name == "form"


def test_equal_examples_are_counted_not_looked_up() -> None:
    """Two equal examples are two examples: a split that holds one of them twice and loses another is refused."""
    x, y = np.array([1.0, 1.0, 2.0, 3.0]), np.array([5, 5, 6, 7])
    task = Task(x, y, 2)
    assert problem_of(((x[:2], y[:2]), (x[2:], y[2:])), task).name == ""
    assert held_back(((x[:2], y[:2]), (x[2:], y[2:])), task) is None
    assert problem_of(((x[[0, 2]], y[[0, 2]]), (x[[2, 3]], y[[2, 3]])), task).name == "repeated"


def test_what_is_expected_reads_as_a_sentence() -> None:
    """The report shows it in place of an array, since there is no one right split."""
    result = grade("train_valid_split", lambda x, y, n_valid, seed: None)
    assert result.counterexample is not None
    assert str(result.counterexample.want).startswith("any split of the ")


def test_the_tails_of_a_row_s_count_add_up() -> None:
    """A wrong tail would refuse right shuffles or accept wrong ones; at most k and at least k + 1 make all there is."""
    for k in range(60):
        assert tails(k, 60, 24, 60)[0] + tails(k + 1, 60, 24, 60)[1] == pytest.approx(1)
    assert tails(0, 60, 1, 3)[0] == pytest.approx((2 / 3) ** 60)
    assert tails(60, 60, 1, 3)[1] == pytest.approx((1 / 3) ** 60)


def test_labels_of_other_rows_are_told_from_altered_rows() -> None:
    """Rows with labels of other rows have whole rows: the advice to choose whole rows would lead astray."""
    x, y = np.arange(8.0), np.arange(8)
    task = Task(x, y, 2)
    assert problem_of(((x[2:], y[2:]), (x[:2], y[2:4])), task).name == "pairs-broken"
    assert problem_of(((x[2:], y[2:]), (x[:2] + 0.5, y[:2])), task).name == "altered"

"""Training on other data than a topic's own: chosen by name, measured beside them, and never judged by another bar."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from exercises import _models, training_loop
from grader.check import Settings
from grader.cli.grading import chosen_data
from grader.cli.main import cli
from grader.course import load_course
from grader.errors import InputError
from grader.exercise import Level
from grader.journal import stamp
from grader.model import Measured, ModelTask, Plan
from grader.models import calibrate, data
from grader.models.data import OtherData, choose
from grader.submission import find_submissions
from grader.variant import Seeded, draw_variant
from solutions import datasets
from solutions.datasets import Dataset, Examples
from tests.test_datasets import batch, idx, write_mnist

TOPIC, KEY = "training_loop", "sgd"
PARTS = {part.task: part for part in training_loop.EXERCISE.models}
RIGHT = (Path(__file__).parent / "right" / TOPIC / "loader-and-split.txt").read_text(encoding="utf-8")
SLOW = RIGHT.replace("lr=0.1", "lr=0.00001")
LEARNED, HELD = 200, 40


def images(number: int) -> tuple[Any, Any]:
    """Return so many images (N, 28, 28) and classes: a bright field each, at a place of its class, in grey noise."""
    y = np.arange(number) % 10
    x = datasets.drawn_shapes(number, noise=1, label="noise").x[:, 0] * 60
    for image, kind in zip(x, y, strict=True):
        image[14 * (kind % 2) :, 5 * (kind // 2) :][:12, :6] += 180
    return x.astype(np.uint8), y


def write(folder: Path, learned: int = LEARNED, held: int = HELD) -> Path:
    """Write small files as MNIST's are, images compressed; return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, number in (("train", learned), ("t10k", held)):
        x, y = images(number)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(y))
    return folder


def grader(*words: object) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit status and what it printed, stderr apart."""
    result = CliRunner().invoke(cli, [*map(str, words)], standalone_mode=False, catch_exceptions=False)
    return result.return_value, result.stdout, result.stderr


def own_plans(topic: str) -> list[Plan]:
    return [plan for part in data.training_parts(load_course(), topic) for plan in part.plans()]


def chosen(root: Path, name: str | None = None) -> OtherData:
    found = choose(load_course(), [TOPIC], name, root)
    assert found is not None
    return found


def hand_in(folder: Path, **students: str) -> Path:
    """Write modules for a variant whose training is the one of KEY."""
    exercise = load_course().exercise(TOPIC)
    variants = (draw_variant(exercise, Level.INTRO, Seeded(1, number)) for number in range(1, 50))
    ident = next(variant.id for variant in variants if variant.p.setup.key == KEY)
    for student, source in students.items():
        (folder / student).mkdir(parents=True)
        (folder / student / f"{TOPIC}.py").write_text(f"VARIANT = {ident!r}\n{source}", encoding="utf-8")
    return folder


def trained(document: str) -> dict[str, dict[str, Any]]:
    """Return each student's part that trains."""
    return {
        student["student"]: next(part for part in student["parts"] if part["part"] == "train")
        for student in json.loads(document)["students"]
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "mnist").parent


@pytest.fixture(scope="module")
def calibrated(root: Path) -> Path:
    """Measure each configuration twice on data of its own, by the command."""
    words = ("--topic", TOPIC, "--dataset", "mnist", "--data-root", root, "--runs", 2, "--jobs", 1)
    status, out, _ = grader("calibrate", *words)
    assert status == 0
    assert f"Written to {root / 'measured' / 'training_loop-mnist.json'}." in out
    return root


# From the command to the mark ------------------------------------------------------------------------------


def test_a_class_is_trained_and_read_on_the_data_that_are_named(calibrated: Path, tmp_path: Path) -> None:
    """The bar is that of these data, and every report says on which ones a model was trained."""
    words = (
        "check",
        hand_in(tmp_path, ada=RIGHT, bob=SLOW),
        "--data-root",
        calibrated,
        "--format",
        "json",
        "--jobs",
        1,
    )
    status, out, err = grader(*words)
    found = trained(out)
    assert found["ada"]["outcome"] == "correct", found["ada"]["message"]
    assert f" of {HELD} unseen examples of MNIST are read rightly" in found["ada"]["message"]
    assert f"after learning from {LEARNED - LEARNED // 5} others" in found["ada"]["message"]
    assert "The bar is the lowest of 2 trainings" in found["ada"]["message"]
    assert found["ada"]["model"]["reference"], "nothing to draw the reference's curves from"
    assert found["bob"]["outcome"] == "partial"
    assert "too few unseen examples" in found["bob"]["message"]
    assert status == 1
    assert "warning" not in err
    assert "2 of 2 were graded before" in grader(*words)[2]


def test_without_a_bar_accuracy_is_not_judged_and_all_else_is(tmp_path: Path) -> None:
    """Nobody loses a mark to a calibration that was forgotten; the command that makes up for it is named."""
    bare = write(tmp_path / "bare", 120, 30)
    file = hand_in(tmp_path, ada=RIGHT) / "ada" / f"{TOPIC}.py"
    status, out, err = grader("try", file, "--data-root", bare, "--format", "json")
    lack = "how often the reference is right on mnist was never measured; measure it: "
    lack += f"grader calibrate --topic {TOPIC} --dataset mnist --data-root {bare}"
    part = trained(out)["ada"]
    assert (status, part["outcome"]) == (3, "ungradable")
    assert part["message"] == f"train(): {lack}"
    assert all(passed == cases for passed, cases in part["regimes"].values())
    assert "examples that it has not seen are read rightly" not in part["regimes"], "neither right nor wrong"
    told = "Models are trained on MNIST: 120 examples, and 30 others held out."
    assert err == f"{told}\nwarning: accuracy is not judged: {lack}\n"


def test_a_quick_look_judges_no_accuracy_and_warns_of_no_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = find_submissions([hand_in(tmp_path / "class", ada=RIGHT)], {TOPIC})
    for quick in (True, False):
        data_of = chosen_data(load_course(), found, Settings(quick=quick), None, write(tmp_path / "d"))
        assert data_of is not None
        assert ("never measured" in capsys.readouterr().err) is not quick
    elsewhere = Settings(topics=("padding",))
    assert chosen_data(load_course(), found, elsewhere, "mnist", tmp_path) is None, "what --topic leaves out"


# What a bar holds for --------------------------------------------------------------------------------------


def test_a_bar_is_read_back_for_the_data_and_the_training_that_made_it(
    calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On other data, or with another training, the same counts would fail who is right, or pass who is wrong."""
    found = chosen(calibrated).plans[TOPIC, KEY]
    kept = json.loads((calibrated / "measured" / f"{TOPIC}-mnist.json").read_text(encoding="utf-8"))
    assert list(found.measured.counts) == kept["plans"][KEY]["counts"]
    assert found.measured.of == HELD
    assert chosen(calibrated).lacks == ()
    elsewhere = write(tmp_path / "elsewhere", LEARNED, HELD)
    labels = elsewhere / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    (elsewhere / "measured").symlink_to(calibrated / "measured")
    (lack,) = chosen(elsewhere).lacks
    assert "was measured on other data than these; measure again: grader calibrate --topic training_loop" in lack
    assert chosen(calibrated, "mnist-full").lacks != (), "of another part of the set nothing was measured"
    monkeypatch.setattr(data, "recipe", lambda plan: "another")
    (lack,) = chosen(calibrated).lacks
    assert "was measured with another training than today's" in lack


def test_a_training_is_told_from_an_earlier_one() -> None:
    """By its numbers; and by its counts on the topic's own data, which any other change changes."""
    plan = training_loop.plan(KEY)
    others = [
        replace(plan, epochs=plan.epochs + 1),
        replace(plan, batch=plan.batch + 1),
        replace(plan, loss="nll_loss"),
        replace(plan, measured=Measured((1, 2), 3)),
    ]
    assert len({data.recipe(other) for other in (plan, *others)}) == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: "{",
        lambda kept: "[]",
        lambda kept: json.dumps({**kept, "data": 1}),
        lambda kept: json.dumps({**kept, "plans": {KEY: {"counts": ["40"], "of": HELD, "curves": {}}}}),
        lambda kept: json.dumps({**kept, "plans": {KEY: {"counts": [HELD + 1], "of": HELD, "curves": {}}}}),
        lambda kept: json.dumps({**kept, "plans": {KEY: {"counts": [1]}}}),
    ],
)
def test_a_damaged_file_of_counts_is_refused(damage: Any, calibrated: Path, tmp_path: Path) -> None:
    """An instructor may have edited it; half of it must not become a bar."""
    kept = json.loads((calibrated / "measured" / f"{TOPIC}-mnist.json").read_text(encoding="utf-8"))
    write(tmp_path)
    (tmp_path / "measured").mkdir()
    (tmp_path / "measured" / f"{TOPIC}-mnist.json").write_text(damage(kept), encoding="utf-8")
    with pytest.raises(InputError, match="not as grader calibrate writes it") as caught:
        chosen(tmp_path)
    assert "grader calibrate --topic" in caught.value.hint


def test_counts_that_may_not_be_read_are_no_damage(calibrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring again for an hour would not help."""

    def refused(*_: Any, **__: Any) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(InputError, match=r"mnist\.json: it cannot be read: Permission denied"):
        chosen(calibrated)


def test_a_result_is_not_lent_to_other_data_or_another_bar(calibrated: Path, tmp_path: Path) -> None:
    """A mark that another set of images gave is a stale mark."""
    course, own = load_course(), Settings()
    bare = write(tmp_path / "bare")
    smaller = write(tmp_path / "smaller", LEARNED - 1)
    stamps = [stamp(course, replace(own, data=chosen(place))) for place in (calibrated, bare, smaller)]
    stamps += [stamp(course, own), stamp(course, replace(own, data=chosen(calibrated, "mnist-full")))]
    assert len(set(stamps)) == 5
    moved = tmp_path / "moved"
    moved.symlink_to(calibrated)
    assert chosen(moved).stamp == chosen(calibrated).stamp, "where the files lie is no matter"


def test_verify_needs_a_bar_and_uses_it(calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, no training at all could fall below it."""
    words = ("calibrate", "--topic", TOPIC, "--verify", "--data-root")
    with pytest.raises(InputError, match="no bar to verify: how often the reference is right on mnist was never"):
        grader(*words, write(tmp_path))
    keys = [plan.key for plan in own_plans(TOPIC)]

    def runs(*_: Any, other: OtherData, **__: Any) -> Iterator[calibrate.Run]:
        for key in keys:
            yield calibrate.Run(key, 0, min(other.plans[TOPIC, key].measured.counts) - (key == KEY), HELD, 1.0, {})

    monkeypatch.setattr(calibrate, "calibrate", runs)
    assert "1 of 4 trainings of the reference with new seeds fall below the bar" in grader(*words, calibrated)[1]


def test_what_cannot_be_written_is_said_before_an_hour_of_training(tmp_path: Path) -> None:
    """Data are often somebody else's, to be read only."""
    (write(tmp_path) / "measured").touch()
    with pytest.raises(InputError, match="cannot write what is measured there"):
        grader("calibrate", "--topic", TOPIC, "--data-root", tmp_path)


def test_without_a_folder_counts_are_kept_in_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What scikit-learn fetched has no folder that was named."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data.place(load_course(), TOPIC, "mnist") == tmp_path / "convgrader" / "measured" / f"{TOPIC}-mnist.json"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert data.place(load_course(), TOPIC, "mnist").is_relative_to("/home/ada/.local/share/convgrader")


# Choosing --------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_the_data_is_said_before_anything_is_graded(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name with the nearest one, the files with their folders, and what works without them."""
    monkeypatch.setattr("grader.check.Grading.grade", None)
    work = hand_in(tmp_path / "work", ada=RIGHT)
    (tmp_path / "empty").mkdir()
    for words, said, hint in (
        (("--dataset", "minst"), "no data set named 'minst'", "Did you mean 'mnist'?"),
        (("--dataset", "svhn"), "no data set named 'svhn'", "There are: mnist, mnist-full, cifar10. Without"),
        (
            ("--data-root", tmp_path / "empty"),
            r"--dataset mnist: no file train-images-idx3-ubyte .*/empty",
            "topic brings",
        ),
        (("--dataset", "cifar10", "--data-root", root), "no file data_batch_1, .*no file test_batch", "topic brings"),
        (("--dataset", "cifar10"), "name their folder with --data-root", "Without --dataset"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            grader("check", work, *words)
        assert hint in caught.value.hint
    write_mnist(tmp_path / "narrow")
    with pytest.raises(InputError, match="an example is 1 × 3 × 2 numbers; these models take 1 × 28 × 28"):
        chosen(tmp_path / "narrow")


def test_where_nothing_is_trained_nothing_is_loaded(tmp_path: Path) -> None:
    """A class that handed in functions is graded with the option as without; a name that is mistyped is said."""
    course = load_course()
    assert choose(course, ["padding"], "mnist", tmp_path) is None
    with pytest.raises(InputError, match="'minst'"):
        choose(course, ["padding"], "minst", tmp_path)
    toy = load_course(Path(__file__).parents[1] / "toy")
    assert choose(toy, toy.topics, None, tmp_path) is None
    with pytest.raises(InputError, match="no data set named 'mnist'"):
        choose(toy, toy.topics, "mnist", tmp_path)


def test_a_topic_without_such_a_set_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Part of a class on one set and part on another would compare what cannot be compared."""
    bare = [replace(plan, others={}) for plan in own_plans(TOPIC)]
    monkeypatch.setattr(data, "plans_of", lambda course, topic: bare if topic == TOPIC else own_plans(topic))
    with pytest.raises(InputError, match="topic 'training_loop' is trained on no data set named 'mnist'"):
        choose(load_course(), [TOPIC, "cnn_two_conv"], None, root)


def test_a_set_is_loaded_once_and_only_for_trainings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once a student or a configuration; and what builds a model or takes a step is as it was."""
    calls: list[Any] = []
    real = datasets.load

    def counted(*words: Any) -> Dataset:
        calls.append(words)
        return real(*words)

    monkeypatch.setattr(datasets, "load", counted)
    found = choose(load_course(), [TOPIC, "cnn_one_hidden"], "mnist", root)
    assert calls == [("mnist", root)]
    assert found is not None
    plan = training_loop.plan(KEY)
    assert found.on(TOPIC, PARTS[ModelTask.STEP], plan) is plan
    assert found.on(TOPIC, PARTS[ModelTask.TRAIN], plan).data().name == "MNIST"


def test_time_and_memory_grow_with_the_examples(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger set is no reason for a timeout, and a smaller one none for a hurry."""
    own = training_loop.plan(KEY)
    assert chosen(root).plans[TOPIC, KEY].seconds == own.seconds
    assert chosen(root).plans[TOPIC, KEY].memory == own.memory
    few = own.data()
    monkeypatch.setitem(
        _models.OTHERS, "mnist", lambda root: replace(few, x=np.tile(few.x, (3, 1, 1, 1)), y=np.tile(few.y, 3))
    )
    grown = chosen(root).plans[TOPIC, KEY]
    assert grown.seconds == 3 * own.seconds
    assert grown.memory == own.memory + 4 * 2 * few.x.nbytes


# The sets --------------------------------------------------------------------------------------------------


def test_the_part_of_a_large_set_is_always_the_same_and_learns_nothing_held_out() -> None:
    """Held-out examples are drawn from all of the test set: MNIST's first half is easier than its second."""
    counted = [
        Examples(np.arange(start, stop)[:, None, None, None] / 1e4, np.arange(start, stop))
        for start, stop in ((0, 50), (50, 60), (60, 100))
    ]
    found = Dataset("mnist", datasets.DIGITS, *counted)
    few = _models.part_of(found, "MNIST", 55, 20)
    assert few.y.tolist() == list(range(55))
    assert few.held_y.tolist() == [60 + n for n in datasets.order(40, "mnist held out")[:20]]
    assert (few.held_x[:, 0, 0, 0] * 1e4).round().tolist() == few.held_y.tolist()
    assert len(_models.part_of(found, "MNIST", 20, 50).held_y) == 40
    whole = _models.part_of(found, "MNIST")
    assert (len(whole.y), whole.held_y.tolist()) == (60, list(range(60, 100)))


def test_cifar10_is_made_grey_and_as_large_as_digits(tmp_path: Path) -> None:
    """Networks of the topics take one channel of 28 x 28; the reports name the classes, and say what was done."""
    for number, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        colours = np.repeat([255, 0, 0, 0, 255, 0], 1024).reshape(2, 3072)  # one image red, one green
        (tmp_path / name).write_bytes(batch(colours, [number, 9]))
    found = chosen(tmp_path, "cifar10").plans[TOPIC, KEY]
    few = found.data()
    assert (few.x.shape, few.held_x.shape) == ((10, 1, 28, 28), (2, 1, 28, 28))
    shades = {int(label == 9): float(image.min()) for image, label in zip(few.x, few.y, strict=True)}
    assert shades == pytest.approx({0: 0.299, 1: 0.587})
    assert found.classes == datasets.OBJECTS
    assert few.name == "CIFAR-10 made grey and resized to 28 × 28"

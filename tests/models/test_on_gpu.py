"""Models on a GPU: the same marks as on the processor, a share of its memory each, and nobody stopped by a neighbour.

What needs one is marked `gpu`, and reported as skipped where PyTorch sees none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from grader.check import Grading, Settings, Task
from grader.cli.grading import chosen_device
from grader.contract import Call, Limits
from grader.course import load_course
from grader.errors import InputError
from grader.exercise import Level
from grader.functions.runner import Runner
from grader.model import ModelTask
from grader.models import exam, harness
from grader.models.judge import judge_model
from grader.outcome import Outcome, PartResult
from grader.sandbox import contain, host
from grader.sandbox.host import Sandbox
from grader.sandbox.replies import Died, Raised, Reply, Returned
from grader.variant import Seeded, draw_variant
from tests.models import test_corpus_baselines as baselines
from tests.models import test_corpus_cnn as cnn
from tests.models import test_corpus_loop as loop
from tests.models import test_judge_models as small

GPU = "cuda:0"
TORCH = frozenset({"numpy", "torch", "torch._dynamo"})
SHARE = 0.2  # of a GPU's memory, in which four are side by side

Judged = Callable[..., list[PartResult]]


def gpu(test: Any) -> Any:
    """Mark a test that needs a GPU, and skip it where there is none."""
    skipped = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU here")
    return pytest.mark.gpu(skipped(test))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(TORCH, contain.NONE) as opened:
        yield opened


def judged(sandbox: Sandbox, source: str, *tasks: ModelTask, seconds: float = 60, share: float = 1) -> list[PartResult]:
    """Return what a module of the small plan earns on the GPU, in one process while it lasts."""
    runner = Runner(lambda: sandbox.open(source.encode(), "model.py", Limits(seconds, 5 * seconds, -1), b"1"))
    try:
        plan, parts = small.PLAN, [small.PARTS[task] for task in tasks]
        return [judge_model(part, plan, runner, "models", b"key", device=GPU, share=share) for part in parts]
    finally:
        runner.close()


def small_ones(sandbox: Sandbox, one: tuple[ModelTask, str], **options: Any) -> list[PartResult]:
    return [small.judged(sandbox, one[1], one[0], 60, **options)]


def loops(sandbox: Sandbox, one: loop.HandedIn, **options: Any) -> list[PartResult]:
    return loop.judged(sandbox, one, [one.part] if one.part else list(loop.PARTS), **options)


def networks(sandbox: Sandbox, one: cnn.HandedIn, **options: Any) -> list[PartResult]:
    names = [one.part] if one.part else list(cnn.model_parts(one.topic))
    return cnn.judged(sandbox, one, names, trusted=not one.part, **options)


def mixed(sandbox: Sandbox, one: baselines.HandedIn, **options: Any) -> list[PartResult]:
    source = f"{baselines.RIGHT[-1].source}\n{one.source}" if one.part else one.source
    return baselines.judged(sandbox, source, [one.part] if one.part else list(baselines.PARTS), trusted=True, **options)


CORPORA: dict[str, tuple[Judged, list[Any]]] = {
    "odd": (small_ones, list(small.ODD.values())),
    "wrong": (small_ones, [(task, source) for task, source, _ in small.WRONG.values()]),
    "right loops": (loops, loop.RIGHT),
    "wrong loops": (loops, loop.WRONG),
    "right networks": (networks, cnn.RIGHT),
    "wrong networks": (networks, cnn.WRONG),
    "right baselines": (mixed, list(baselines.RIGHT)),
    "wrong baselines": (mixed, list(baselines.WRONG)),
}


def verdicts(results: list[PartResult]) -> list[Any]:
    """Return what must be the same wherever it is computed; how many digits are read rightly need not be."""
    return [(r.part, r.outcome, r.score, sorted(f.name for f in r.misconceptions), r.regimes) for r in results]


@gpu
@pytest.mark.parametrize("name", CORPORA)
def test_a_gpu_gives_the_marks_of_the_processor(sandbox: Sandbox, name: str) -> None:
    """Every submission of the corpora, right or wrong: the same marks, and the same mistakes named."""
    ask, corpus = CORPORA[name]
    for one in corpus:
        here, there = verdicts(ask(sandbox, one)), verdicts(ask(sandbox, one, device=GPU))
        assert here == there, one


@gpu
@pytest.mark.parametrize("task", list(ModelTask))
def test_the_second_time_all_is_the_same(sandbox: Sandbox, task: ModelTask) -> None:
    """Marks, messages, curves, filters and maps, to the last digit."""
    (first,), (second,) = judged(sandbox, small.WHOLE, task), judged(sandbox, small.WHOLE, task)
    assert first.outcome is Outcome.CORRECT, first.message
    assert first == second


ADAPTIVE = small.changed("F.max_pool2d(torch.relu(self.conv(x)), 2)", "F.adaptive_max_pool2d(self.conv(x).relu(), 5)")


@gpu
def test_a_layer_that_no_gpu_computes_the_same_each_time_is_right(sandbox: Sandbox) -> None:
    """PyTorch would refuse to learn through it where deterministic algorithms are all that it may use."""
    for result in judged(sandbox, ADAPTIVE, ModelTask.BUILD, ModelTask.TRAIN):
        assert result.outcome is Outcome.CORRECT, result.message


def test_such_a_layer_is_right_on_the_processor(sandbox: Sandbox) -> None:
    assert small.judged(sandbox, ADAPTIVE, ModelTask.BUILD).outcome is Outcome.CORRECT


def hoarding(gigabytes: float) -> str:
    """Return a right module that holds so much of the GPU's memory while it trains many examples."""
    size = f"int({gigabytes} * 2**30) if len(x) > 100 else 1"
    return small.changed(
        "    order =", f"    hoard = torch.empty({size}, dtype=torch.uint8, device=device)\n    order ="
    )


@gpu
def test_each_has_a_share_of_the_memory_and_none_harms_another() -> None:
    """Side by side: two that want more than their share lose what they cannot do, two that hold to it nothing."""
    whole = torch.cuda.get_device_properties(0).total_memory / 2**30
    sources = [hoarding(0.8 * whole), hoarding(0.8 * SHARE * whole), small.WHOLE, hoarding(SHARE * whole)]
    found: dict[int, PartResult] = {}

    def grade(number: int) -> None:
        with Sandbox(TORCH, contain.NONE) as own:
            (found[number],) = judged(own, sources[number], ModelTask.TRAIN, share=SHARE)

    threads = [threading.Thread(target=grade, args=(number,)) for number in range(len(sources))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for greedy in (found[0], found[3]):
        assert greedy.outcome is Outcome.PARTIAL, greedy.message
        assert greedy.score == Fraction(6, 10)
        assert "more of the GPU's memory in line 17 than its share" in greedy.message
    for modest in (found[1], found[2]):
        assert modest.outcome is Outcome.CORRECT, modest.message


@gpu
def test_a_fault_on_the_gpu_costs_no_more_than_what_it_is_in(sandbox: Sandbox) -> None:
    """After a class that is out of range, nothing in that process works: what comes next has another process.

    What is told is the processor's: there PyTorch says what is wrong, and where.
    """
    faulty = small.changed("y[rows])", "y[rows] + 3)")
    trained, built = judged(sandbox, faulty, ModelTask.TRAIN, ModelTask.BUILD)
    assert trained.score == 0
    assert "in line 23" in trained.message
    assert "out of bounds" in trained.message
    assert built.outcome is Outcome.CORRECT, built.message


@gpu
def test_what_is_written_for_the_processor_is_computed_there(sandbox: Sandbox) -> None:
    """An evaluation by NumPy is right, and no GPU hands an array to NumPy."""
    own = small.changed(
        "(model(x).argmax(1) == y).float().mean().item()", "(model(x).numpy().argmax(1) == y.numpy()).mean().item()"
    )
    (result,) = judged(sandbox, own, ModelTask.EVALUATE)
    assert result.outcome is Outcome.CORRECT, result.message
    assert "computed on the processor, since on the GPU it raises TypeError" in result.message


@gpu
def test_one_that_never_leaves_the_gpu_is_ended(sandbox: Sandbox) -> None:
    """Its kernel runs for an hour: its process is gone in time, its memory free, and the next one is graded."""
    hanging = small.changed("    order =", "    torch.cuda._sleep(10**13)\n    order =", hoarding(1))
    free = torch.cuda.mem_get_info()[0]
    started = time.monotonic()
    (result,) = judged(sandbox, hanging, ModelTask.TRAIN, seconds=15)
    assert time.monotonic() - started < 60
    assert result.score == 0
    assert "longer than 15 s" in result.message
    children = Path(f"/proc/{sandbox.worker_pid}/task/{sandbox.worker_pid}/children")
    assert not children.exists() or not children.read_text().strip()
    (right,) = judged(sandbox, small.WHOLE, ModelTask.STEP)
    assert right.outcome is Outcome.CORRECT, right.message
    assert free - torch.cuda.mem_get_info()[0] < 1 << 29


@gpu
def test_cuda_in_all_its_spellings() -> None:
    """A GPU by its number, or the first one; not one more than there are."""
    number = torch.cuda.device_count()
    assert chosen_device("cuda", "none") == chosen_device("auto", "none") == GPU
    with pytest.raises(InputError, match=rf"sees {number} GPUs? here"):
        chosen_device(f"cuda:{number}", "none")


# What needs none --------------------------------------------------------------------------------------------


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No silent fallback: a name that is no device, and a GPU that nobody sees, are sentences."""
    assert chosen_device("cpu", "auto") == "cpu"
    with pytest.raises(InputError, match="no such device"):
        chosen_device("gpu", "auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto", "none") == "cpu"
    with pytest.raises(InputError, match="sees no GPU here"):
        chosen_device("cuda:1", "none")


def test_a_gpu_needs_to_be_asked_for_without_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside the sandbox there is no GPU; auto then means the processor, and cuda is refused with the way out."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert chosen_device("auto", "full") == "cpu"
    assert chosen_device("auto", "none") == GPU
    with pytest.raises(InputError, match="from inside the sandbox"):
        chosen_device("cuda", "full")
    with pytest.raises(InputError, match="sees 1 GPU here") as refused:
        chosen_device("cuda:7", "none")
    assert refused.value.hint == "It is cuda:0."


FULL = (
    "CUDA out of memory. Tried to allocate {tried}. GPU 0 has a total capacity of 79.11 GiB of which 40.00 GiB is "
    "free. Including non-PyTorch memory, this process has 5.00 GiB memory in use. 4.00 GiB allowed; Of the allocated "
    "memory {held} is allocated by PyTorch, and 12.00 MiB is reserved by PyTorch but unallocated."
)
EARLY = (
    "CUDA out of memory. Allocation was preemptively rejected because it would exceed per_process_memory_fraction "
    "limit. Requested size: 60.00 GiB."
)


def test_whose_memory_is_full_is_told() -> None:
    """More than a share is the student's doing; a GPU that somebody else has filled is not."""
    with pytest.raises(exam.Stopped) as own:
        exam.refuse_for_the_gpu(FULL.format(tried="512.00 MiB", held="3.60 GiB"), 7)
    assert own.value.outcome is Outcome.OUT_OF_MEMORY
    assert own.value.message == "it needs more of the GPU's memory in line 7 than its share of 4.0 GB"
    with pytest.raises(exam.Stopped) as early:
        exam.refuse_for_the_gpu(EARLY, None)
    assert early.value.outcome is Outcome.OUT_OF_MEMORY
    assert early.value.message == "it needs more of the GPU's memory than its share"
    for message in (FULL.format(tried="512.00 MiB", held="1.00 GiB"), "CUDA error: out of memory"):
        with pytest.raises(exam.Stopped) as other:
            exam.refuse_for_the_gpu(message, 7)
        assert other.value.outcome is Outcome.UNGRADABLE
    with pytest.raises(exam.Stopped) as none:
        exam.refuse_for_the_gpu(f"{harness.NO_GPU}no kernel image", None)
    assert none.value.outcome is Outcome.UNGRADABLE
    exam.refuse_for_the_gpu("mat1 and mat2 shapes cannot be multiplied", 7)


class Answers:
    """What a student's process says, in order; `asked` is what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, Any]] = []

    def call(self, function: str, call: Call, reply_bytes: int) -> Reply:
        assert reply_bytes
        self.asked.append((function, call.args[0]["device"] if call.args and "device" in call.args[0] else "cpu"))
        return self.replies.pop(0)


ON_GPU = {"device": GPU, "share": 0.5}
HOW = {"builder": "", "double": True}
NUMPY = Raised("TypeError", "can't convert cuda:0 device type tensor to numpy.\nUse Tensor.cpu()", 3)
FAULT = Raised("RuntimeError", "CUDA error: device-side assert triggered\nand more", 9)
BOUNDS = Raised("IndexError", "Target 3 is out of bounds.", 9)


def student(*replies: Reply) -> tuple[exam.Student, list[tuple[str, Any]]]:
    answers = Answers(*replies)
    return exam.Student(cast(Runner, answers), ON_GPU), answers.asked


def test_what_fails_on_a_gpu_alone_is_computed_on_the_processor() -> None:
    """From then on all of this function is, and it is said; else a right module would fail for where it was run."""
    one, asked = student(NUMPY, Returned([1.0]), Returned([2.0]))
    assert [one.ask("beginnings", HOW), one.ask("beginnings", HOW)] == [[1.0], [2.0]]
    assert asked == [("@beginnings", GPU), ("@beginnings", "cpu"), ("@beginnings", "cpu")]
    (note,) = one.notes
    assert note.endswith("on the GPU it raises TypeError: can't convert cuda:0 device type tensor to numpy.")


def test_what_fails_on_both_is_told_as_on_the_processor() -> None:
    """And asked on the GPU again the next time: the failure was not for want of a GPU."""
    one, asked = student(Raised("ValueError", "on the GPU", 1), Raised("ValueError", "sizes", 2), Returned([1.0]))
    with pytest.raises(exam.Stopped, match="ValueError in line 2: sizes"):
        one.ask("beginnings", HOW)
    assert one.ask("beginnings", HOW) == [1.0]
    assert [device for _, device in asked] == [GPU, "cpu", GPU]
    assert one.notes == []


def test_after_a_fault_a_new_process_goes_on() -> None:
    """Nothing works on a GPU in a process that has made it fail once; where and what, the processor says."""
    one, asked = student(FAULT, Died(Outcome.CRASHED, "ended itself"), BOUNDS)
    with pytest.raises(exam.Stopped, match="IndexError in line 9: Target 3 is out of bounds"):
        one.ask("rehearse", HOW, "train")
    assert [name for name, _ in asked] == ["@rehearse", "@leave", "@rehearse"]


def test_more_memory_than_a_share_is_not_tried_elsewhere() -> None:
    """It would have all of the machine's there."""
    one, asked = student(Raised("RuntimeError", FULL.format(tried="9.00 GiB", held="1.00 GiB"), 7))
    with pytest.raises(exam.Stopped, match=r"than its share of 4\.0 GB"):
        one.ask("learn", HOW, "train")
    assert len(asked) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="here PyTorch sees a GPU")
def test_a_gpu_that_is_gone_costs_nobody_a_mark(sandbox: Sandbox) -> None:
    """Whatever PyTorch says of it: a sentence, and nothing is judged."""
    for result in judged(sandbox, small.WHOLE, *ModelTask):
        assert result.outcome is Outcome.UNGRADABLE, result.message
        assert "the GPU cannot be used: " in result.message


def test_memory_without_a_limit_is_not_told_as_one(sandbox: Sandbox) -> None:
    """Processes on a GPU have no limit of their own; what the machine has not got is still a sentence."""
    source = b"import numpy as np\ndef f():\n    return np.ones(1 << 50)\n"
    with sandbox.open(source, "m.py", Limits(memory=-1), b"1") as session:
        session.load()
        reply = session.call("f", Call(()), reply_bytes=100)
    assert reply == Died(Outcome.OUT_OF_MEMORY, "The function needed more memory than this machine has.")


def test_a_process_takes_its_share_but_for_what_the_driver_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """All shares together, with the driver's part of each process, are no more than the memory; and settled once."""
    taken: list[float] = []
    monkeypatch.setattr(harness, "_settled", [])
    monkeypatch.setattr(torch, "zeros", lambda *size, device: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=80 << 30))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, device: taken.append(share))
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda wanted, warn_only: taken.append(warn_only))
    for _ in range(2):
        harness.settle({"device": GPU, "share": 0.25})
    assert taken == [0.25 - 1 / 80, True]
    harness._settled.clear()
    harness.settle({"device": GPU, "share": 1 / 100})  # below what the driver takes: half of it, not less than nothing
    assert taken[2:] == [0.005, True]


def test_students_see_the_gpus_that_the_grader_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which ones there are, and under which number, stands in the environment; no walls, so nothing to hide."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    source = "import os\ndef seen():\n    return os.environ.get('CUDA_VISIBLE_DEVICES')\n"
    for tier, wanted in ((contain.NONE, "3"), ("auto", None)):
        with Sandbox(tier=tier) as opened, opened.open(source.encode(), "m.py", Limits(), b"1") as session:
            session.load()
            reply: Any = session.call("seen", Call(()), reply_bytes=100)
            assert reply.value == wanted


def test_inside_the_walls_a_build_for_cuda_has_its_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install torch` brings that build: without them the tier `full` cannot be had, GPU or none."""
    site = tmp_path / "site-packages"
    for package in ("numpy", "torch", "nvidia/cu13", "secret"):
        (site / package).mkdir(parents=True)
    monkeypatch.setattr(host, "place_of", lambda package: site / package.partition(".")[0])
    bare = object.__new__(Sandbox)
    bare.packages, bare.folder, bare._packages = TORCH, tmp_path / "seen", tmp_path / "seen" / "packages"
    bare.folder.mkdir()
    bare._fill_folder()
    assert {path.name for path in bare._packages.iterdir()} == {"numpy", "torch", "nvidia"}


def test_on_a_gpu_there_is_time_to_start() -> None:
    """The first tensor there loads libraries for seconds, and addresses cannot be limited."""
    course = load_course()
    exercise = course.exercise("training_loop")
    variant = draw_variant(exercise, Level.STANDARD, Seeded(1, 1))
    task = Task(cast(Any, None), "training_loop", exercise, variant, models=exercise.models)
    here, there = (Grading(course, Settings(device=device))._limits(task) for device in ("cpu", GPU))
    assert there.call_seconds == here.call_seconds + 20
    assert there.memory == -1 < here.memory

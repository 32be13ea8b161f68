"""Models in a student's process: wrong ones are refused and named, odd right ones pass, nothing is taken on trust."""

# ruff: noqa: E501 - a change to a submission reads best in one line
from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import nn

from grader.contract import Call, Limits
from grader.functions.runner import Runner
from grader.model import EvaluationTwin, Labelled, Measured, ModelPart, ModelTask, ModelTwin, Plan, StepTwin
from grader.models import accuracy, reference, step
from grader.models.build import checked
from grader.models.exam import Stopped, Student
from grader.models.judge import judge_model
from grader.models.selftest import ModelSession, broken
from grader.models.train import grey
from grader.outcome import Outcome, PartResult
from grader.sandbox.host import Sandbox
from grader.sandbox.replies import Died, Reply, Returned
from solutions import datasets, training

EPOCHS, BATCH, RATE = 4, 16, 0.1


def build(
    filters: int = 4,
    pool: type[nn.Module] = nn.MaxPool2d,
    act: type[nn.Module] = nn.ReLU,
    last: nn.Module | None = None,
) -> nn.Module:
    layers = [nn.Conv2d(1, filters, 3), act(), pool(2), nn.Flatten(), nn.Linear(filters * 25, 3)]
    return nn.Sequential(*layers, *([last] if last else []))


def data() -> Labelled:
    """Return drawn shapes of 12 x 12 pixels: 180 to learn, 60 held out, of three classes."""
    found = datasets.drawn_shapes(480, size=12, label="models")
    few = found[found.y < 3]
    return Labelled(few.x[:180], few.y[:180], few.x[180:240], few.y[180:240])


PLAN = Plan(
    key="small",
    example=(1, 12, 12),
    classes=("disc", "square", "triangle"),
    build=build,
    start=training.starter("SGD", {"lr": RATE, "momentum": 0.5, "weight_decay": 1e-3}),
    step=training.step(),
    data=data,
    wrong_models=(
        ModelTwin("mean-pooling", lambda: build(pool=nn.AvgPool2d), "Take the largest."),
        ModelTwin("no-activation", lambda: build(act=nn.Identity), "Rectify."),
        ModelTwin("softmax-at-the-end", lambda: build(last=nn.Softmax(1)), "Return logits."),
        ModelTwin("one-filter-more", lambda: build(filters=5), "Count the filters."),
    ),
    wrong_steps=(
        StepTwin("no-zero-grad", "Forget.", training.without_zero_grad()),
        StepTwin("step-before-backward", "Order.", training.step_before_backward()),
        StepTwin("softmax-before-loss", "Logits.", training.softmax_first()),
        StepTwin("loss-summed", "Mean.", training.summed()),
        StepTwin("averaged-twice", "Once.", training.averaged_twice()),
        StepTwin(
            "rate-ignored",
            "Use lr.",
            None,
            training.starter("SGD", {"lr": 1e-3, "momentum": 0.5, "weight_decay": 1e-3}),
        ),
        StepTwin("no-decay", "Decay.", None, training.starter("SGD", {"lr": RATE, "momentum": 0.5})),
        StepTwin("no-momentum", "Momentum.", None, training.starter("SGD", {"lr": RATE, "weight_decay": 1e-3})),
    ),
    evaluate=training.accuracy,
    wrong_evaluations=(EvaluationTwin("per-cent", lambda m, x, y: 100 * training.accuracy(m, x, y), "A share."),),
    optimizer=("SGD", {"lr": RATE}),
    batch=BATCH,
    epochs=EPOCHS,
    practice=(144, 9, 3),
    measured=Measured((30,) * 50, 60),
    seconds=20,
)
MARKS = {
    ModelTask.BUILD: "build_model",
    ModelTask.TRAIN: "train",
    ModelTask.STEP: "train_step",
    ModelTask.EVALUATE: "evaluate",
}
PARTS: dict[ModelTask, ModelPart[Any]] = {
    task: ModelPart(name, task, lambda p: PLAN, lambda: (PLAN,), "") for task, name in MARKS.items()
}

HEAD = "import copy, math\nimport torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
BUILD = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(100, 3)
        self.conv = nn.Conv2d(1, 4, 3)
    def forward(self, x):
        return self.dense(F.max_pool2d(torch.relu(self.conv(x)), 2).flatten(1))
def build_model():
    return Net()
"""
)
TRAIN = """
def train(model, x, y, *, seed, device):
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5, weight_decay=1e-3)
    for epoch in range(4):
        model.train()
        for rows in torch.randperm(len(x), generator=order).split(16):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
    model.eval()
"""
STEP = """
def train_step(model, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
EVALUATE = """
def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()
"""
WHOLE = BUILD + TRAIN + STEP + EVALUATE


def changed(old: str, new: str, source: str = WHOLE) -> str:
    assert old in source, old
    return source.replace(old, new, 1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(frozenset({"numpy", "torch"})) as opened:
        yield opened


def judged(sandbox: Sandbox, source: str, task: ModelTask, seconds: float = 20, **options: Any) -> PartResult:
    memory = -1 if "device" in options else PLAN.memory
    limits = Limits(seconds, 5 * seconds, memory)
    runner = Runner(lambda: sandbox.open(source.encode(), "model.py", limits, b"1"))
    try:
        return judge_model(PARTS[task], PLAN, runner, "models", b"key", **options)
    finally:
        runner.close()


def test_the_reference_and_its_twins() -> None:
    """What a course says of itself holds: the reference earns everything, every twin is named."""
    assert [line for part in PARTS.values() for line in broken(part, PLAN)] == []


@pytest.mark.parametrize("task", list(ModelTask))
def test_a_right_module_earns_all(sandbox: Sandbox, task: ModelTask) -> None:
    result = judged(sandbox, WHOLE, task)
    assert result.outcome is Outcome.CORRECT, result.message
    assert result.kind == "model"


def test_the_record_of_a_training(sandbox: Sandbox) -> None:
    """What reports draw: curves of every epoch, a confusion matrix that adds up, kernels and maps."""
    record = judged(sandbox, WHOLE, ModelTask.TRAIN).record
    assert len(record["curves"]["test error"]) == EPOCHS
    table = np.array(record["confusion"])
    assert table.sum() == 60
    assert np.trace(table) == record["accuracy"]["right"] >= record["accuracy"]["threshold"] == 30
    assert np.array(record["filters"]["values"]).shape == (4, 3, 3)
    assert np.array(record["input"]).shape == (12, 12)


ODD = {
    "sequential": (
        ModelTask.BUILD,
        HEAD
        + "def build_model():\n    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(100, 3))\n",
    ),
    "own parameters": (
        ModelTask.BUILD,
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 9) / 3)
        self.b = nn.Parameter(torch.zeros(4, 1))
        self.v = nn.Parameter(torch.randn(100, 3) / 10)
        self.c = nn.Parameter(torch.zeros(3))
    def forward(self, x):
        maps = (self.w @ F.unfold(x, 3) + self.b).clamp(min=0).reshape(len(x), 4, 10, 10)
        return maps.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2)).reshape(len(x), -1) @ self.v + self.c
def build_model():
    return Net()
""",
    ),
    "single precision only": (
        ModelTask.BUILD,
        changed("def forward(self, x):", "def forward(self, x):\n        assert x.dtype == torch.float32"),
    ),
    "large first weights": (
        ModelTask.BUILD,
        changed("return Net()", "net = Net()\n    nn.init.normal_(net.conv.weight, std=0.3)\n    return net"),
    ),
    "a loader, a copy and no optimizer": (
        ModelTask.TRAIN,
        BUILD
        + """
from torch.utils.data import DataLoader, TensorDataset
def train(model, x, y, *, seed, device):
    loader = DataLoader(TensorDataset(x, y), 16, shuffle=True, generator=torch.Generator().manual_seed(seed))
    net = copy.deepcopy(model).to(device)
    speed = [torch.zeros_like(p) for p in net.parameters()]
    for epoch in range(4):
        for a, b in loader:
            net.train()
            loss = nn.CrossEntropyLoss()(net(a), b)
            slopes = torch.autograd.grad(loss, list(net.parameters()))
            with torch.no_grad():
                for p, g, v in zip(net.parameters(), slopes, speed):
                    v.mul_(0.5).add_(g + 1e-3 * p)
                    p.sub_(0.1 * v)
        net.eval()
        with torch.no_grad():
            print(epoch, (net(x).argmax(1) == y).float().mean())
    return net, [0.5]
""",
    ),
    "the loss as a tensor": (ModelTask.STEP, changed("return loss.item()", "return loss.detach()")),
    "in parts": (
        ModelTask.EVALUATE,
        changed(
            "return (model(x).argmax(1) == y).float().mean().item()",
            "return sum(int((model(a).argmax(1) == b).sum()) for a, b in zip(x.split(3), y.split(3))) / len(y)",
        ),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_but_right_ones_pass(sandbox: Sandbox, name: str) -> None:
    task, source = ODD[name]
    result = judged(sandbox, source, task)
    assert result.outcome is Outcome.CORRECT, result.message


WRONG = {
    "mean": (ModelTask.BUILD, changed("max_pool2d", "avg_pool2d"), "mean-pooling"),
    "five filters": (
        ModelTask.BUILD,
        changed("Linear(100", "Linear(125", changed("1, 4, 3", "1, 5, 3")),
        "one-filter-more",
    ),
    "softmax": (
        ModelTask.BUILD,
        changed(
            "self.dense(F.max_pool2d(torch.relu(self.conv(x)), 2).flatten(1))",
            "self.dense(F.max_pool2d(torch.relu(self.conv(x)), 2).flatten(1)).softmax(1)",
        ),
        "softmax-at-the-end",
    ),
    "another size": (
        ModelTask.BUILD,
        changed("Linear(100, 3)", "Linear(100, 4)"),
        "layer 3: addmm to (4,) with 404 parameters, wanted addmm to (3,)",
    ),
    "sizes that do not fit": (
        ModelTask.BUILD,
        changed("Linear(100", "Linear(101"),
        "it raises RuntimeError in line 12",
    ),
    "detached": (
        ModelTask.BUILD,
        changed("self.conv(x)", "self.conv(x).detach()"),
        "no gradient reaches 'conv.weight'",
    ),
    "frozen": (
        ModelTask.BUILD,
        changed("return Net()", "net = Net()\n    net.conv.weight.requires_grad_(False)\n    return net"),
        "does not learn",
    ),
    "too large": (
        ModelTask.BUILD,
        changed("return Net()", "net = Net()\n    nn.init.normal_(net.dense.weight, std=9.0)\n    return net"),
        "wanted about ln(3)",
    ),
    "the batch matters": (
        ModelTask.BUILD,
        changed("2).flatten(1)", "2).flatten(1) + 0.1 * x.mean()"),
        "depend on the others",
    ),
    "noise": (
        ModelTask.BUILD,
        changed("2).flatten(1)", "2).flatten(1) + 0.1 * torch.rand(1)"),
        "other outputs the second time",
    ),
    "dropout": (
        ModelTask.BUILD,
        changed(
            "2).flatten(1)",
            "2).flatten(1).dropout(0.5, self.training)",
            changed("class Net", "torch.Tensor.dropout = lambda t, p, on: F.dropout(t, p, on)\nclass Net"),
        ),
        "in training mode",
    ),
    "no model": (ModelTask.BUILD, changed("return Net()", "return 3"), "returned no torch.nn.Module"),
    "no zero_grad": (ModelTask.TRAIN, changed("            optimizer.zero_grad()\n", ""), "no-zero-grad"),
    "softmax first": (
        ModelTask.TRAIN,
        changed("F.cross_entropy(model(x[rows])", "F.cross_entropy(model(x[rows]).softmax(1)"),
        "softmax-before-loss",
    ),
    "sum": (ModelTask.TRAIN, changed("y[rows])", "y[rows], reduction='sum')"), "loss-summed"),
    "another rate": (ModelTask.TRAIN, changed("lr=0.1", "lr=1e-3"), "rate-ignored"),
    "decay forgotten": (ModelTask.TRAIN, changed(", weight_decay=1e-3", ""), "no-decay"),
    "step first": (
        ModelTask.TRAIN,
        changed("backward()\n            optimizer.step", "item()\n            optimizer.step").replace(
            "optimizer.step()\n    model.eval", "optimizer.step()\n            loss.backward()\n    model.eval"
        ),
        "call the optimizer's step() after backward()",
    ),
    "in order": (
        ModelTask.TRAIN,
        changed("torch.randperm(len(x), generator=order)", "torch.arange(len(x))"),
        "no-shuffling",
    ),
    "shuffled once": (
        ModelTask.TRAIN,
        changed(
            "    for epoch in range(4):\n",
            "    once = torch.randperm(len(x), generator=order)\n    for epoch in range(4):\n",
            changed("torch.randperm(len(x), generator=order).split", "once.split"),
        ),
        "shuffled-once",
    ),
    "evaluation mode": (
        ModelTask.TRAIN,
        changed("        model.train()\n        for rows", "        model.eval()\n        for rows"),
        "evaluation-mode-in-training",
    ),
    "measured in training mode": (
        ModelTask.TRAIN,
        changed("    model.eval()\n", "    with torch.no_grad():\n        model(x)\n"),
        "training-mode-in-evaluation",
    ),
    "an epoch less": (ModelTask.TRAIN, changed("range(4)", "range(3)"), "that is 3 epochs, wanted 4"),
    "last batch dropped": (ModelTask.TRAIN, changed(".split(16):", ".split(16)[:-1]:"), "last, smaller batch"),
    "batches of 8": (ModelTask.TRAIN, changed("split(16)", "split(8)"), "largest batch has 8 examples"),
    "its own seed": (ModelTask.TRAIN, changed("manual_seed(seed)", "manual_seed(0)"), "the seed is not used"),
    "chance": (
        ModelTask.TRAIN,
        changed(
            "torch.randperm(len(x), generator=order)",
            "torch.randperm(len(x))",
            changed("torch.Generator().manual_seed(seed)", "torch.seed()"),
        ),
        "other weights the second time",
    ),
    "no step": (ModelTask.TRAIN, changed("            optimizer.step()\n", ""), "no step changes the weights"),
    "a model of its own": (
        ModelTask.TRAIN,
        changed("    order =", "    model = build_model()\n    order ="),
        "never calls the model",
    ),
    "rows scaled": (ModelTask.TRAIN, changed("model(x[rows])", "model(x[rows] - 0.5)"), "other values than those of x"),
    "step: no zero_grad": (
        ModelTask.STEP,
        changed(
            "    optimizer.zero_grad()\n    loss = F.cross_entropy(model(x), y)",
            "    loss = F.cross_entropy(model(x), y)",
        ),
        "no-zero-grad",
    ),
    "step: no loss": (ModelTask.STEP, changed("    return loss.item()", "    return None"), "no number"),
    "step: in evaluation mode": (
        ModelTask.STEP,
        changed("    model.train()\n    optimizer", "    optimizer"),
        "learns in evaluation mode",
    ),
    "evaluate: training mode": (
        ModelTask.EVALUATE,
        changed("def evaluate(model, x, y):\n    model.eval()", "def evaluate(model, x, y):"),
        "training-mode-in-evaluation",
    ),
    "evaluate: per cent": (ModelTask.EVALUATE, changed(".mean().item()", ".mean().item() * 100"), "per-cent"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_are_refused_and_named(sandbox: Sandbox, name: str) -> None:
    """Each loses marks, and the message or a misconception says why."""
    task, source, said = WRONG[name]
    result = judged(sandbox, source, task)
    assert result.score < result.max_score
    assert said in result.message or said in [finding.name for finding in result.misconceptions], result.message


def test_too_few_read_rightly_are_trained_again_and_then_refused(sandbox: Sandbox) -> None:
    """A bar that nobody reaches: three trainings, each with a seed of its own, and no marks for accuracy."""
    high = replace(PLAN, measured=Measured((60,) * 50, 60))
    runner = Runner(lambda: sandbox.open(WHOLE.encode(), "model.py", Limits(20, 100, PLAN.memory), b"1"))
    result = judge_model(PARTS[ModelTask.TRAIN], high, runner, "models", b"key")
    runner.close()
    assert result.outcome is Outcome.PARTIAL
    assert result.score == Fraction(6, 10)
    assert result.record["accuracy"]["seeds"] == accuracy.SEEDS
    assert "too few" in result.message


def test_a_training_that_takes_too_long_keeps_what_it_passed(sandbox: Sandbox) -> None:
    """Slow on many examples only: the loop and the update are judged on few, and count."""
    slow = changed("    order =", "    import time\n    time.sleep(60 if len(x) > 100 else 0)\n    order =")
    result = judged(sandbox, slow, ModelTask.TRAIN, seconds=4)
    assert result.outcome is Outcome.PARTIAL
    assert result.score == Fraction(6, 10)
    assert "longer than 4 s" in result.message


def test_nothing_is_taken_on_trust(sandbox: Sandbox) -> None:
    """A process that answers as it likes earns nothing by it."""
    forged = changed(
        "class Net",
        "torch.equal = lambda a, b: True\n"
        "torch.Tensor.argmax = lambda own, *rest: torch.zeros(len(own), dtype=torch.long)\n"
        "torch.nn.Module.parameters = lambda own: iter([])\n"
        "class Net",
        changed("return Net()", "return nn.Sequential(nn.Flatten(), nn.Linear(144, 3))"),
    )
    assert judged(sandbox, forged, ModelTask.BUILD).score <= Fraction(3, 10)
    assert judged(sandbox, forged, ModelTask.TRAIN).score == 0


ROWS, HALF = np.zeros((2, 9), np.uint8), np.full((2, 9), 0.5)
READING = {"classes": ROWS[0], "on_held": ROWS, "on_learned": ROWS}


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("outputs", [HALF, [[1], [2, 3]]]),
        ("outputs", [np.zeros(())]),
        ("outputs", [HALF * 1j]),
        ("by_heart", [[1.0], 2.0]),
        ("beginnings", [1 << 8000, 1.0, 1.0]),
        ("gradients", {"gradients": {"w": [[1], [2, 3]]}}),
        ("gradients", HALF),
        ("rehearse", HALF),
        ("learn", {**READING, "on_held": ROWS[:0]}),
        ("learn", {**READING, "classes": HALF[0]}),
        ("learn", {**READING, "maps": HALF}),
        ("learn", {**READING, "filters": ["w", None]}),
        ("learn", {"classes": ROWS[0]}),
        ("weigh", {"classes": HALF * np.nan}),
        ("steps", {"weights": HALF, "losses": 3, "modes": []}),
        ("steps", {"weights": HALF, "losses": [], "modes": [HALF]}),
        ("evaluations", {"results": None, "training": [], "gradients": []}),
    ],
)
def test_an_answer_of_another_form_is_the_students_failure(operation: str, value: object) -> None:
    """What it would raise later, in the grader, would make the part ungradable, and cost no mark."""

    class Forged(ModelSession):
        def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:  # noqa: ARG002 - the protocol's
            return Returned(value)

    with pytest.raises(Stopped, match=f"its process sent something else than {operation.replace('_', ' ')}"):
        Student(Runner(lambda: Forged({}))).ask(operation, {})


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1 << 20, 1 << 20), "more than 16,777,216 parameters"), ((-1,), "no description"), ((2,) * 9, "no description")],
)
def test_no_weights_are_drawn_for_a_model_of_any_size(shape: tuple[int, ...], message: str) -> None:
    """It is a student's process that says how large its parameters are, and the grader that would hold them."""
    described = {"parameters": [["w", list(shape)]], "unused": [], "frozen": [], "stages": [], "output": [8, 3]}
    with pytest.raises(Stopped, match=message):
        checked(described)
    with pytest.raises(Stopped, match="no description"):
        checked(np.zeros(3))


def test_a_number_that_is_no_float_is_no_number() -> None:
    """A loss of a thousand digits is an int that Python cannot turn into a float."""
    assert step.number(1 << 8000) is None
    assert [step.number(value) for value in (3, 2.5, np.float32(2).reshape(1), True)] == [3.0, 2.5, 2.0, None]


def test_a_map_of_no_numbers_is_still_drawn() -> None:
    """Weights that grew without end give NaN; the map is grey then, and nothing is printed."""
    assert grey(np.array([[np.nan, 1.0], [np.inf, 0.0]])) == [[0, 255], [0, 0]]


@pytest.mark.parametrize("task", list(ModelTask))
def test_a_process_that_we_lose_is_never_a_verdict(task: ModelTask) -> None:
    """Whenever it goes: neither full marks for what was seen until then, nor a mark lost for what was not."""
    part, plan = PARTS[task], replace(PLAN, wrong_models=())
    own = {**reference.names(plan), part.builder: plan.build}

    class Lost(ModelSession):
        left = 0

        def call(self, function: str, call: Call, *, reply_bytes: int) -> Reply:
            Lost.left -= 1
            if Lost.left < 0:
                return Died(Outcome.UNGRADABLE, "the worker ended")
            return super().call(function, call, reply_bytes=reply_bytes)

    for number in range(100):
        Lost.left = number
        result = judge_model(part, plan, Runner(lambda: Lost(own)), "models", b"key")
        if Lost.left >= 0:
            assert result.outcome is Outcome.CORRECT, result.message
            break
        assert result.outcome is Outcome.UNGRADABLE, (number, result.message)
        assert "the worker ended" in result.message
    assert number >= 1


def test_weights_handed_in(sandbox: Sandbox) -> None:
    """Weights are loaded into the student's own model; a pickle with code in it runs nowhere."""
    torch.manual_seed(0)
    model = build()
    train = PARTS[ModelTask.TRAIN]
    found = data()
    reference.trainer(PLAN)(model, torch.from_numpy(found.x), torch.from_numpy(found.y), seed=1, device="cpu")
    state = dict(
        zip(("conv.weight", "conv.bias", "dense.weight", "dense.bias"), model.state_dict().values(), strict=True)
    )
    buffer = io.BytesIO()
    torch.save(state, buffer)
    for name, content in (("weights.safetensors", save(state)), ("weights.pt", buffer.getvalue())):
        result = judged(sandbox, BUILD, train.task, weights=(name, content))
        assert result.regimes == {"examples that it has not seen are read rightly": (1, 1)}, result.message
        assert result.score == Fraction(4, 10)
    for name in ("weights.safetensors", "weights.pt"):
        result = judged(sandbox, BUILD, train.task, weights=(name, b"cos\nsystem\n(S'touch /tmp/owned'\ntR."))
        assert result.score == 0
    other = {**state, "dense.bias": torch.zeros(4)}
    assert "size mismatch" in judged(sandbox, BUILD, train.task, weights=("w.safetensors", save(other))).message


def test_the_error_rate_is_what_the_seeds_give() -> None:
    """Fifty trainings and three seeds: below one in a thousand, with 99 % confidence."""
    assert accuracy.error_rate(50) < 1e-3 < accuracy.error_rate(40)
    assert accuracy.interval(0, 10)[0] == 0.0
    low, high = accuracy.interval(350, 360)
    assert low < 350 / 360 < high


def test_the_seed_rules_pytorchs_random_numbers(sandbox: Sandbox) -> None:
    """Equal seeds repeat a run exactly, and another seed does not: in a module that sets none, too."""

    def roll(seed: bytes) -> Any:
        with sandbox.open(
            b"import torch\ndef dice():\n    return torch.rand(3).tolist()\n", "m.py", Limits(), seed
        ) as session:
            session.load()
            reply = session.call("dice", Call(()), reply_bytes=1 << 10)
            assert isinstance(reply, Returned), reply
            return reply.value

    assert roll(b"one") == roll(b"one") != roll(b"two")

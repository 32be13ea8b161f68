"""A function that trains: the loop on a small model, step by step; then a whole training and what is read after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, ClassVar

import numpy as np

from grader.model import Labelled, StepTwin
from grader.models import accuracy, harness
from grader.models.exam import EARLY_STEP, MODES, UPDATE, Exam, Stopped, Weights
from grader.outcome import Finding, Outcome

SIDE = 128  # entries of a kernel or map that are shown, down and across
QUICK = 300  # examples that a quick run learns from


RUNS = "it trains a small model"
BATCHES = "every example once an epoch, in batches"
ORDER = "a new order in every epoch"
HELD = "the validation examples are not learned"
SEEDED = "the same seed gives the same weights"
ACCURACY = "examples that it has not seen are read rightly"


@dataclass(frozen=True)
class Pass:
    """One forward pass of a training that was watched."""

    rows: tuple[int, ...]
    training: bool
    learning: bool  # gradients were wanted
    changed: bool  # the weights are others than at the pass before


@dataclass(frozen=True)
class Taken:
    """One step that was watched: the rows that it learned from, and the weights after it where they are known."""

    rows: tuple[int, ...]
    after: Any = None


ON_THE_WAY = Finding(
    "changed-on-the-way",
    "The first steps are right, later ones are not: make the optimizer once, before the loop over the epochs, leave "
    "its learning rate as it is, and keep the weights of the last step.",
)


class TrainExam(Exam):
    """The loop on a small model, step by step; then a whole training, and what it reads afterwards."""

    groups: ClassVar[Mapping[str, str]] = {
        RUNS: "loop",
        BATCHES: "loop",
        ORDER: "loop",
        MODES: "loop",
        HELD: "loop",
        SEEDED: "loop",
        UPDATE: "update",
        ACCURACY: "accuracy",
    }

    def run(self) -> None:
        if self.weights is not None:
            with self.at(ACCURACY):
                self._handed_in(*self.weights)
            return
        with self.at(RUNS):
            self._rehearsal()
        if self.look.seen and not self.look.seen[0].passed:  # a whole training would fail in the same way, only later
            self.add(ACCURACY, "not compared: it does not train")
            return
        with self.at(ACCURACY):
            self._accuracy()

    # The loop

    def _rehearsal(self) -> None:
        plan = self.plan
        learned = 2 * plan.batch + plan.batch // 2 + 1
        number = math.ceil(learned / (1 - plan.held_back))
        x, y = np.abs(self.images("rehearsal", number)) / 2, self.labels("rehearsal labels", number)
        how = {**self.how, "builder": ""}
        start = harness.weights_of(harness.make({}, how, self.rng.child("practice").below(2**31)))
        seed = self.rng.child("seed").below(2**31)
        found = self.ask("rehearse", how, self.part.name, start, x, y, seed)
        passes, weights, end, moved = self._watched(found, sum(w.size for w in start.values()))
        if not any(p.learning for p in passes):
            raise Stopped("it never calls the model with gradients: nothing is learned")
        self.add(RUNS)
        steps = self._learning(passes, moved=moved)
        self._modes(passes, steps)
        together = self._together(passes, steps)
        self._batches(passes, together, number)
        with self.at(UPDATE):
            self._updates(passes, together, weights, end, how, start, x, y)
        with self.at(SEEDED):
            self._seeded(how, start, x, y, seed, end, passes)

    def _watched(self, found: Any, size: int) -> tuple[list[Pass], Any, Any, bool]:
        try:
            passes = [Pass(tuple(int(r) for r in rows), bool(t), bool(g), bool(c)) for rows, t, g, c in found["passes"]]
            weights, end, moved = found["weights"], found["end"], bool(found["moved"])
        except (TypeError, ValueError, LookupError, OverflowError):
            raise Stopped("its process sent no training") from None
        weights = self.student.form(weights, None, None)
        if len(weights) and weights.shape[1] != size:
            raise Stopped("it trains another model than the one that it is given")
        return passes, weights, self.student.form(end, size), moved

    def _learning(self, passes: Sequence[Pass], *, moved: bool) -> list[int]:
        """Return which passes with gradients were followed by other weights."""
        later = [p.changed for p in passes[1:]] + [moved]
        return [n for n, p in enumerate(passes) if p.learning and later[n]]

    def _together(self, passes: Sequence[Pass], steps: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the passes of each step: one, or those on the parts of a batch whose gradients are added up."""
        found = []
        for n in steps:
            group, rows = [n], set(passes[n].rows)
            for m in range(n - 1, -1, -1):
                part = passes[m]
                whole = len(rows) + len(part.rows) <= self.plan.batch and rows.isdisjoint(part.rows)
                if m in steps or not (part.learning and part.training and whole):
                    break
                group.insert(0, m)
                rows.update(part.rows)
            found.append(tuple(group))
        return found

    def _modes(self, passes: Sequence[Pass], steps: Sequence[int]) -> None:
        learned = set(steps)
        if any(not passes[n].training for n in steps):
            finding = Finding(
                "evaluation-mode-in-training",
                "Call model.train() before the first step of every epoch: "
                "in evaluation mode nothing is dropped, and averages are not learned.",
            )
            self.add(MODES, "the model learns in evaluation mode", [finding])
        elif any(p.training and not p.learning for n, p in enumerate(passes) if n not in learned):
            finding = Finding(
                "training-mode-in-evaluation",
                "Call model.eval() before you measure, and model.train() "
                "before you go on: in training mode units are dropped while you measure.",
            )
            self.add(MODES, "the model is measured in training mode", [finding])
        else:
            self.add(MODES)

    def _batches(self, passes: Sequence[Pass], steps: Sequence[tuple[int, ...]], number: int) -> None:
        plan = self.plan
        kept = plan.learned(number)
        fed = [_rows(passes, step) for step in steps]
        if not fed:
            self.add(BATCHES, "no step changes the weights")
            return
        if any(-1 in rows for rows in fed):
            self.add(BATCHES, "it gives the model other values than those of x: feed the rows of x as they are")
            return
        total = sum(len(rows) for rows in fed)
        last = max(n for n, p in enumerate(passes) if p.learning)
        if last != steps[-1][-1] and total + len(passes[last].rows) == plan.epochs * kept:
            self.add(BATCHES, "the last batch of all is never learned", [EARLY_STEP])
            return
        learned = {row for rows in fed for row in rows}
        if len(learned) > kept:
            finding = Finding(
                "validation-in-fit",
                "The examples that are held back must not be learned: split first, "
                "and give the loop the training rows alone.",
            )
            self.add(
                HELD,
                f"it learns {len(learned)} of {number} examples, wanted {kept} with {number - kept} held back",
                [finding],
            )
        elif plan.held_back:
            self.add(HELD)
        sizes = [len(rows) for rows in fed]
        if max(sizes) != plan.batch and total:
            self.add(BATCHES, f"its largest batch has {max(sizes)} examples, wanted {plan.batch}")
            return
        wanted = plan.epochs * kept
        if total != wanted or len(learned) < kept:
            whole = plan.epochs * (kept // plan.batch) * plan.batch
            epochs = total / kept
            why = (
                "the last, smaller batch of every epoch is dropped"
                if total == whole
                else f"that is {epochs:.3g} epochs, wanted {plan.epochs}"
            )
            self.add(
                BATCHES, f"it learns from {total} examples in all, wanted {plan.epochs} × {kept} = {wanted}: {why}"
            )
            return
        rows = [row for batch in fed for row in batch]
        epochs_fed = [rows[start : start + kept] for start in range(0, total, kept)]
        if any(len(set(epoch)) < kept for epoch in epochs_fed):
            self.add(BATCHES, "an epoch has some examples twice and others not at all")
            return
        each = math.ceil(kept / plan.batch)
        if len(fed) != plan.epochs * each:
            self.add(
                BATCHES,
                f"it takes {len(fed)} steps in all, wanted {plan.epochs} × {each}: an epoch shares no batch with the "
                "next, and only its last batch is smaller",
            )
            return
        self.add(BATCHES)
        self._order(epochs_fed, [frozenset(map(frozenset, fed[n : n + each])) for n in range(0, len(fed), each)])

    def _order(self, epochs: Sequence[Sequence[int]], batches: Sequence[frozenset[frozenset[int]]]) -> None:
        if all(list(epoch) == sorted(epoch) for epoch in epochs):
            finding = Finding(
                "no-shuffling",
                "Draw a new order in every epoch, with torch.randperm(len(x)) or DataLoader(shuffle=True).",
            )
            self.add(ORDER, "the examples come in their own order in every epoch", [finding])
        elif len(epochs) > 1 and all(epoch == epochs[0] for epoch in epochs):
            finding = Finding("shuffled-once", "Shuffle inside the loop over the epochs, not before it.")
            self.add(ORDER, "every epoch has the same order", [finding])
        elif len(epochs) > 1 and len(set(batches)) == 1:
            finding = Finding(
                "only-batches-shuffled", "Shuffle the examples before you cut them into batches, anew in every epoch."
            )
            self.add(ORDER, "every epoch has the same batches, in another order", [finding])
        else:
            self.add(ORDER)

    def _updates(
        self, passes: Any, steps: Any, weights: Any, end: Any, how: Any, start: Weights, x: Any, y: Any
    ) -> None:
        """Take the same steps with the reference and with the wrong twins, from the same weights on the same rows.

        The reference goes all the way, where the precision allows it; twins go as far as every step's weights are
        known.
        """
        own = [n for n, p in enumerate(passes) if p.learning]
        found = {}
        for label, groups in (("steps", steps), ("passes", [(n,) for n in own])):
            path = [Taken(_rows(passes, group), self._after(own, group[-1], weights, end)) for group in groups]
            found[label] = list(takewhile(lambda taken: taken.rows and -1 not in taken.rows, path))
        known = {label: list(takewhile(lambda taken: taken.after is not None, path)) for label, path in found.items()}
        known = {label: path[: harness.STEPS_KEPT] for label, path in known.items()}
        if not known["passes"]:
            self.add(UPDATE, "no step could be followed")
            return
        path = found["steps"] if how["double"] else known["steps"]
        parted = self._parted(path, how, start, x, y, None) if path else 0
        if parted is None:
            self.add(UPDATE)
            return
        findings = [
            Finding(twin.name, twin.hint)
            for twin in self.plan.wrong_steps
            if any(path and self._parted(path, how, start, x, y, twin) is None for path in known.values())
        ]
        others = "weights are others than the reference's, from the same start and on the same batches"
        if not steps:
            said = (
                "no step changes the weights: call the optimizer's step() after backward(), on this model's parameters"
            )
        elif not parted:
            length = self._length(known["steps"][0], how, start, x, y) if known["steps"] else None
            said = f"after its first step the {others}"
            if length:
                said = (
                    f"its first step has the right direction, but is {length:.3g} times as long as the reference's: "
                    "look at the learning rate, and at the optimizer's other numbers"
                )
        elif parted < len(known["steps"]):
            said = f"its first {_steps(parted)} right, but then the {others}"
        else:
            said = f"its first {_steps(len(known['steps']))} right, but at the end the {others}"
        self.add(UPDATE, said, findings or ([ON_THE_WAY] if parted else []))

    def _after(self, own: Sequence[int], number: int, weights: Any, end: Any) -> Any:
        """Return the weights after this pass, where they were kept: those before the next one with gradients."""
        after = own.index(number) + 1
        return end if after == len(own) else weights[after] if after < len(weights) else None

    def _length(self, taken: Taken, how: Any, start: Weights, x: Any, y: Any) -> float | None:
        """Return how many times as long as the reference's this first step is; None where its direction is another."""
        model = harness.fill(harness.make({}, how), start)
        inputs, labels = harness.tensor(x, how), harness.tensor(y, how)
        begin = harness.flat(model).numpy()
        model.train()
        rows = list(taken.rows)
        self.plan.step(model, self.plan.start(model), inputs[rows], labels[rows])
        right, own = harness.flat(model).numpy() - begin, taken.after - begin
        ratio = float(own @ right) / (float(right @ right) or 1.0)
        aside = float(np.linalg.norm(own - ratio * right))
        return ratio if ratio > 0 and aside <= (1e-6 if how["double"] else 1e-2) * float(np.linalg.norm(own)) else None

    def _parted(
        self, path: Sequence[Taken], how: Any, start: Weights, x: Any, y: Any, twin: StepTwin | None
    ) -> int | None:
        """Return the number of the first step that leads to other weights than a twin's or the reference's, or None."""
        model = harness.fill(harness.make({}, how), start)
        optimizer = (twin.start if twin and twin.start else self.plan.start)(model)
        step = twin.step if twin and twin.step else self.plan.step
        inputs, labels = harness.tensor(x, how), harness.tensor(y, how)
        begin = harness.flat(model).numpy()
        model.train()
        for number, taken in enumerate(path):
            try:
                step(model, optimizer, inputs[list(taken.rows)], labels[list(taken.rows)])
            except RuntimeError:  # a wrong step may be one that PyTorch refuses
                return number
            if taken.after is None:
                continue
            now = harness.flat(model).numpy()
            moved = max(length(now - begin), length(taken.after - begin))
            allowed = (1e-7 if how["double"] else 1e-2) * moved + (1e-12 if how["double"] else 1e-6)
            if not length(taken.after - now) <= allowed:
                return number
        return None

    def _seeded(self, how: Any, start: Weights, x: Any, y: Any, seed: int, end: Any, passes: Sequence[Pass]) -> None:
        again = self._watched(self.student.ask("rehearse", how, self.part.name, start, x, y, seed), end.size)[2]
        found = self.student.ask("rehearse", how, self.part.name, start, x, y, seed + 1)
        others, _, other, _ = self._watched(found, end.size)
        if not self.agree(again, end):
            self.add(SEEDED, "the same seed gives other weights the second time: draw every order from the seed")
        elif np.array_equal(other, end):
            self.add(SEEDED, "another seed gives the same weights: the seed is not used")
        else:
            self.add(SEEDED)
        if self.plan.held_back and 0 < len(_learned(passes)) < len(x) and _learned(passes) == _learned(others):
            finding = Finding(
                "split-not-drawn",
                "Draw from the seed which examples are held back, with torch.randperm: not always the same ones.",
            )
            self.add(HELD, "with another seed the same examples are held back", [finding])

    # The accuracy

    def _handed_in(self, path: str, data: bytes) -> None:
        """Judge weights that were trained elsewhere: loaded into the student's model, read in the same way."""
        plan, held = self.plan, self.plan.data()
        how = {**self.how, "double": False}
        found = self.student.ask("weigh", how, self._state(path, data), held.held_x)
        right, of = self._right(found, held.held_y), len(held.held_y)
        low, high = accuracy.interval(right, of)
        self.look.record = {
            "confusion": self._confusion(np.asarray(found["classes"]), held.held_y),
            "classes": list(plan.classes),
            **(self._pictures(found, held) if "filters" in found else {}),
        }
        if not plan.measured.counts:
            raise Stopped(plan.measured.lack, Outcome.UNGRADABLE)
        bar = accuracy.threshold(plan.measured.counts)
        self.add(ACCURACY, "" if right >= bar else "with these weights too few unseen examples are read rightly")
        self.look.notes.append(
            f"{path}: {right:,} of {_unseen(held)} are read rightly ({100 * right / of:.1f} %, 95 % interval "
            f"{100 * low:.1f} % to {100 * high:.1f} %); wanted at least {bar:,}. "
            f"Without {self.part.name}() its loop earns nothing"
        )

    def _state(self, path: str, data: bytes) -> dict[str, Any]:
        """Return the arrays of a file of weights; a pickle is opened only in the student's own process."""
        if path.endswith(".pt"):
            state = self.student.ask("read_state", data)
        else:
            from safetensors.numpy import load

            try:
                state = load(data)
            except Exception as error:  # the library has exceptions of its own; its input is a student's
                raise Stopped(f"{path}: not a safetensors file that NumPy can hold: {type(error).__name__}") from None
        if not isinstance(state, dict) or not all(isinstance(value, np.ndarray) for value in state.values()):
            raise Stopped(f"{path}: no dict of tensors")
        return dict(state)

    def _confusion(self, got: Any, labels: Any) -> list[list[int]]:
        size = len(self.plan.classes)
        table = np.zeros((size, size), int)
        np.add.at(table, (labels, np.clip(got, 0, size - 1).astype(int)), 1)
        return [[int(cell) for cell in cells] for cells in table]

    def _accuracy(self) -> None:
        plan, data = self.plan, self.plan.data()
        x, y = (data.x[:QUICK], data.y[:QUICK]) if self.quick else (data.x, data.y)
        probe = min(len(data.held_y), len(x))
        how = {**self.how, "double": False, "epoch": plan.learned(len(x))}
        counts = plan.measured.counts
        right: list[int] = []
        tries = accuracy.SEEDS if self.trusted and all(s.passed for s in self.look.seen) and not self.quick else 1
        bar = accuracy.threshold(counts) if counts else 0
        found: dict[str, Any] = {}
        for number in range(tries):
            seed = self.rng.child("training", number).below(2**31)
            one = self.student.ask("learn", how, self.part.name, x, y, seed, data.held_x, probe)
            right.append(self._right(one, data.held_y))
            if not found or right[-1] >= max(right):
                found = one
            if right[-1] >= bar:
                break
        best, of = max(right), len(data.held_y)
        self.look.record = self._record(found, data, y[:probe], best, bar, len(right))
        if self.quick:
            self.look.notes.append("a quick run: accuracy was not judged")
            share = float(np.mean(np.asarray(found["on_learned"])[-1] == y[:probe]))
            blind = share < 2 / len(plan.classes)
            self.add(ACCURACY, "even what it has learned is read no better than by chance" if blind else "")
            return
        if not counts:
            raise Stopped(plan.measured.lack, Outcome.UNGRADABLE)
        low, high = accuracy.interval(best, of)
        said = (
            f"{best:,} of {_unseen(data)} are read rightly ({100 * best / of:.1f} %, 95 % interval "
            f"{100 * low:.1f} % to {100 * high:.1f} %), after learning from {plan.learned(len(y)):,} others"
        )
        said += f"; wanted at least {bar:,}"
        self.add(
            ACCURACY,
            ""
            if best >= bar
            else f"too few unseen examples are read rightly (trained {'once' if tries == 1 else f'{tries} times'})",
        )
        rate = accuracy.error_rate(len(counts))
        self.look.notes.append(
            f"{said}. The bar is the lowest of {len(counts)} trainings of the reference; a right one falls below "
            f"it {accuracy.SEEDS} times in a row in at most {100 * rate:.2f} % of all cases"
        )

    def _right(self, one: Any, labels: Any) -> int:
        got = one.get("classes") if isinstance(one, dict) else None
        return int((self.student.form(got, len(labels)) == labels).sum())

    def _run(self, name: str) -> str:
        """Return the name of a curve, with that of the training where it has one."""
        return f"{name}, {self.plan.run}" if self.plan.run else name

    def _record(self, found: Any, data: Any, learned: Any, best: int, bar: int, seeds: int) -> dict[str, Any]:
        """Return what reports draw; see `grader.outcome.PartResult.record`."""
        plan = self.plan
        on_held = self.student.form(found["on_held"], None, len(data.held_y))
        on_learned = self.student.form(found["on_learned"], None, len(learned))
        low, high = accuracy.interval(best, len(data.held_y))
        record: dict[str, Any] = {
            "curves": {
                self._run(name): values
                for name, values in plan.curves(on_held == data.held_y, on_learned == learned).items()
            },
            "reference": {self._run(name): list(values) for name, values in plan.measured.curves.items()},
            "confusion": self._confusion(on_held[-1], data.held_y),
            "classes": list(plan.classes),
            "accuracy": {"right": best, "of": len(data.held_y), "interval": [round(low, 4), round(high, 4)]},
        }
        if not self.quick and plan.measured.counts:
            record["accuracy"] |= {
                "threshold": bar,
                "seeds": seeds,
                "error_rate": accuracy.error_rate(len(plan.measured.counts)),
                "confidence": accuracy.CONFIDENCE,
            }
        if not self.quick and "filters" in found:
            record |= self._pictures(found, data)
        return record

    def _pictures(self, found: Any, data: Any) -> dict[str, Any]:
        name, kernels = found["filters"]
        kernels = self.student.form(kernels, None, None, None)
        maps = {}
        for operation, planes in found.get("maps", [])[:2]:
            shown = self.student.form(planes, None, None, None)[: harness.SHOWN, :SIDE, :SIDE]
            maps[self.plan.words.get(operation, "layer")] = grey(shown)
        return {
            "filters": {"name": name[:200], "values": np.round(kernels[: harness.SHOWN, :SIDE, :SIDE], 4).tolist()},
            "input": grey(data.held_x[0][:1])[0],
            "maps": maps,
        }


def _unseen(data: Labelled) -> str:
    return f"{len(data.held_y):,} unseen examples{' of ' if data.name else ''}{data.name}"


def _rows(passes: Sequence[Pass], step: Sequence[int]) -> tuple[int, ...]:
    """Return the rows that a step learned from, in all of its passes."""
    return tuple(row for n in step for row in passes[n].rows)


def _steps(number: int) -> str:
    return "step is" if number == 1 else f"{number} steps are"


def _learned(passes: Sequence[Pass]) -> set[int]:
    return {row for p in passes if p.learning and p.training for row in p.rows}


def length(values: Any) -> float:
    """Return the length of a vector; NumPy's own wakes all threads of BLAS for it, which is slow beside others."""
    with np.errstate(over="ignore"):
        return math.sqrt(float(np.square(values).sum()))


def grey(planes: Any) -> Any:
    """Return planes as whole numbers of 0 … 255, black the lowest of all and white the highest."""
    planes = np.nan_to_num(planes, posinf=0.0, neginf=0.0)  # of weights that grew without end
    low, high = float(planes.min(initial=0.0)), float(planes.max(initial=0.0))
    return np.round((planes - low) / ((high - low) or 1.0) * 255).astype(int).tolist()

"""Training on other data than a topic's own: named by the instructor, loaded once, with what was measured on them.

What the reference reads rightly of such data is measured by `grader calibrate --dataset NAME --data-root FOLDER` and
kept beside them, in FOLDER/measured: they are the instructor's, as the course often is not. It holds for these very
examples and for the training that it was measured with; for others a bar would mean nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grader.course import Course, load_course
from grader.draw import digest
from grader.errors import InputError, did_you_mean
from grader.model import AnyModelPart, Labelled, Loader, Measured, ModelTask, Plan, read_measured

WITHOUT = "Without --dataset and --data-root, models are trained on the data that the topic brings with it."


@dataclass(frozen=True, eq=False)
class OtherData:
    """A set that was asked for, and the plans of trainings on it, by their topic and key.

    `stamp` tells the examples and what was measured on them from all others.
    """

    name: str
    root: Path | None
    plans: Mapping[tuple[str, str], Plan]
    stamp: bytes

    def on(self, topic: str, part: AnyModelPart, plan: Plan) -> Plan:
        """Return the plan of a part as it is graded: one that trains, on this set."""
        return self.plans[topic, plan.key] if part.task is ModelTask.TRAIN else plan

    @property
    def told(self) -> str:
        """A sentence for who grades: what is learned and what is read."""
        sets = dict.fromkeys(plan.data() for plan in self.plans.values())
        each = (f"{d.name or self.name}: {len(d.y):,} examples, and {len(d.held_y):,} others held out" for d in sets)
        return f"Models are trained on {'; '.join(each)}."

    @property
    def lacks(self) -> tuple[str, ...]:
        """Sentences about the topics whose accuracy cannot be judged on this set yet."""
        return tuple(dict.fromkeys(plan.measured.lack for plan in self.plans.values() if not plan.measured.counts))


def training_parts(course: Course, topic: str) -> list[AnyModelPart]:
    """Return the parts of a topic that train."""
    return [part for part in course.exercise(topic).models if part.task is ModelTask.TRAIN]


def plans_of(course: Course, topic: str) -> list[Plan]:
    """Return all plans of a topic's trainings."""
    return [plan for part in training_parts(course, topic) for plan in part.plans()]


def choose(course: Course, topics: Iterable[str], name: str | None, root: Path | None) -> OtherData | None:
    """Load the set of this name for the topics that train; None where none does, or nothing was asked for.

    Without a name it is the first that these topics have.

    Raises:
        InputError: no such set, or one that a topic lacks or cannot use; files that are missing or damaged.
    """
    if name is None and root is None:
        return None
    plans = {(topic, plan.key): plan for topic in topics for plan in plans_of(course, topic)}
    known = _names(plans.values()) or _names(plan for topic in course.topics for plan in plans_of(course, topic))
    if name is not None and name not in known:
        listing = f"There are: {', '.join(known)}. {WITHOUT}" if known else WITHOUT
        raise InputError(f"no data set named {name!r}", hint=did_you_mean(name, known, otherwise=listing))
    chosen = name or next(iter(known), "")
    loaded: dict[Loader, tuple[Labelled, str]] = {}
    on_it, seen = {}, []
    for (topic, key), plan in sorted(plans.items(), key=lambda item: item[0]):
        loader = plan.others.get(chosen)
        if loader is None:
            raise InputError(f"topic {topic!r} is trained on no data set named {chosen!r}", hint=WITHOUT)
        if loader not in loaded:
            data = _load(chosen, loader, root)
            loaded[loader] = data, fingerprint(data)
        data, known_by = loaded[loader]
        _check(chosen, data, plan)
        measured = _recalled(course, topic, plan, chosen, root, (len(data.held_y), known_by))
        on_it[topic, key] = _grown(plan, data, measured)
        seen.append((topic, key, known_by, measured))
    return OtherData(chosen, root, on_it, digest(chosen, repr(seen))) if on_it else None


def _names(plans: Iterable[Plan]) -> list[str]:
    """Return the names of the sets that any of these plans has, each once."""
    return list(dict.fromkeys(name for plan in plans for name in plan.others))


def fingerprint(data: Labelled) -> str:
    """Return what tells these very examples and classes from all others."""
    found = hashlib.sha256()
    for array in (data.x, data.y, data.held_x, data.held_y):
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def recipe(plan: Plan) -> str:
    """Return what tells a training from an earlier one of the same key.

    A change that these numbers do not show, of the model or of a step, shows in the counts on the topic's own data,
    which its author then measures again.
    """
    numbers = (plan.epochs, plan.batch, plan.held_back, plan.loss, plan.measured.counts)
    return hashlib.sha256(repr(numbers).encode()).hexdigest()[:16]


def place(course: Course, topic: str, name: str = "", root: Path | None = None) -> Path:
    """Return where measured counts are kept: in the course, or beside the data of another set's name."""
    if not name:
        return course.folder / "exercises" / "measured" / f"{topic}.json"
    base = os.environ.get("XDG_DATA_HOME", "")
    home = (Path(base) if base else Path.home() / ".local" / "share") / "convgrader"
    return (root or home) / "measured" / f"{topic}-{name}.json"


def _load(name: str, loader: Loader, root: Path | None) -> Labelled:
    try:
        return loader(root)
    except InputError as error:
        raise InputError(f"--dataset {name}: {error.message}", hint=error.hint or WITHOUT) from None


def _check(name: str, data: Labelled, plan: Plan) -> None:
    for shape in (data.x.shape[1:], data.held_x.shape[1:]):
        if shape != plan.example:
            got, wanted = (" × ".join(map(str, sides)) for sides in (shape, plan.example))
            raise InputError(f"--dataset {name}: an example is {got} numbers; these models take {wanted}", hint=WITHOUT)
    if data.classes and len(data.classes) != len(plan.classes):
        raise InputError(f"--dataset {name}: it has {len(data.classes)} classes, wanted {len(plan.classes)}")


def _grown(plan: Plan, data: Labelled, measured: Measured) -> Plan:
    """Return a plan on other data, with time and memory for as many examples as there are."""
    own = plan.data()
    times = max(1.0, len(data.y) / len(own.y), len(data.held_y) / len(own.held_y))
    room = 4 * max(0, data.x.nbytes + data.held_x.nbytes - own.x.nbytes - own.held_x.nbytes)
    return replace(
        plan,
        data=lambda: data,
        classes=data.classes or plan.classes,
        measured=measured,
        seconds=times * plan.seconds,
        memory=plan.memory + room,
    )


def _command(course: Course, topic: str, name: str, root: Path | None) -> str:
    """Return the words that measure a topic's reference on a set."""
    words = ["grader", "calibrate", "--topic", topic, "--dataset", name]
    words += ["--data-root", str(root)] if root else []
    words += ["--course", str(course.folder)] if load_course().folder != course.folder else []
    return shlex.join(words)


def _recalled(
    course: Course, topic: str, plan: Plan, name: str, root: Path | None, print_: tuple[int, str]
) -> Measured:
    """Return what was measured of a plan on the data of this print, or why that cannot be used."""
    file, command = place(course, topic, name, root), _command(course, topic, name, root)
    try:
        measured = read_measured(file, plan.key)
        kept = json.loads(file.read_text(encoding="utf-8")) if measured.counts else {}
        known_by, training = (kept.get(entry, {}).get(plan.key) for entry in ("data", "training"))
        sound = all(type(count) is int and 0 <= count <= measured.of for count in measured.counts)
    except OSError as error:
        raise InputError(f"{file}: it cannot be read: {error.strerror}", hint="Mend that, or move it away.") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise InputError(f"{file}: not as grader calibrate writes it", hint=f"Measure again: {command}")
    if not measured.counts:
        return Measured(lack=f"how often the reference is right on {name} was never measured; measure it: {command}")
    if (measured.of, known_by) != print_:
        return Measured(lack=f"{file} was measured on other data than these; measure again: {command}")
    if training != recipe(plan):
        return Measured(lack=f"{file} was measured with another training than today's; measure again: {command}")
    return measured

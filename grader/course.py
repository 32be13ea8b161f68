"""The course loader: finds a course, imports its modules, and turns an author's mistake into a sentence.

A course is a folder with `exercises/`, and with `solutions/` and `templates/` where it needs them. Its modules
are imported as `exercises.NAME` and `solutions.NAME`, from that folder alone: nothing needs to be installed,
and another course, or a package of that name elsewhere, is out of sight. The names stay those of the course
that was loaded first in a process; a second one is imported apart, and must import at its modules' top.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType

from grader.contract import Contract
from grader.errors import CourseError, InputError, did_you_mean
from grader.exercise import AnyExercise, Exercise

PACKAGES = ("exercises", "solutions")


class Course:
    """A loaded course. A topic's module is imported when the topic is first asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self._modules: dict[str, ModuleType] = {}

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """The names of the topics: every module of `exercises/` whose name has no leading underscore."""
        return tuple(sorted(p.stem for p in (self.folder / "exercises").glob("*.py") if not p.stem.startswith("_")))

    @cached_property
    def exercises(self) -> dict[str, AnyExercise]:
        """All exercises by topic; imports every one."""
        return {topic: self.exercise(topic) for topic in self.topics}

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """All contracts by the function's name: of `exercises/contracts/` and of the exercises themselves."""
        found = {contract.name: contract for contract in self._contract_modules()}
        for exercise in self.exercises.values():
            for part in exercise.functions:
                if found.setdefault(part.name, part.contract) is not part.contract:
                    raise CourseError(f"exercise {exercise.name!r}: a second contract is called {part.name!r}")
        return dict(sorted(found.items()))

    def exercise(self, topic: str) -> AnyExercise:
        """Return the exercise of a topic, or raise InputError with the nearest name."""
        if topic not in self.topics:
            listing = "The topics are: " + ", ".join(self.topics) + "."
            raise InputError(f"no topic named {topic!r}", hint=did_you_mean(topic, self.topics, otherwise=listing))
        module = self._load(f"exercises.{topic}")
        exercise = getattr(module, "EXERCISE", None)
        place = self.folder / "exercises" / f"{topic}.py"
        if not isinstance(exercise, Exercise):
            raise CourseError(f"{place}: it defines no EXERCISE", hint="Add EXERCISE = Exercise(...).")
        if exercise.name != topic:
            raise CourseError(f"{place}: its EXERCISE is called {exercise.name!r}", hint=f"Call it {topic!r}.")
        return exercise

    def template_folders(self) -> list[Path]:
        """Where templates are looked up: the course's own first, then the built-in ones."""
        return [self.folder / "templates", builtin_folder() / "templates"]

    def explained(self, error: Exception) -> str:
        """Return what an author reads of an error: where in the course it arose, and what it says."""
        if isinstance(error, CourseError):
            return f"{error.message}. {error.hint}" if error.hint else error.message
        return f"{_place(error, self.folder)}: {type(error).__name__}: {error}"

    def _contract_modules(self) -> Iterator[Contract]:
        for path in sorted((self.folder / "exercises" / "contracts").glob("[!_]*.py")):
            module = self._load(f"exercises.contracts.{path.stem}")
            contracts = getattr(module, "CONTRACTS", None)
            if not isinstance(contracts, tuple) or not all(isinstance(c, Contract) for c in contracts):
                raise CourseError(
                    f"{path}: CONTRACTS is not a tuple of contracts", hint="End it with CONTRACTS = (NAME, ...)."
                )
            yield from contracts

    def _load(self, name: str) -> ModuleType:
        try:
            with self._active():
                return importlib.import_module(name)
        except CourseError as error:
            raise CourseError(f"{_place(error, self.folder)}: {error.message}", hint=error.hint) from error
        except Exception as error:
            raise CourseError(self.explained(error)) from error

    @contextmanager
    def _active(self) -> Iterator[None]:
        """Let `exercises` and `solutions` mean this course's, and then again what they meant before."""
        before = _course_modules()
        if any(_path(before.get(package)) == str(self.folder / package) for package in PACKAGES):
            yield
            return
        _exchange(before, self._modules or {package: _package(self.folder / package) for package in PACKAGES})
        importlib.invalidate_caches()
        try:
            yield
        finally:
            self._modules = _course_modules()
            if before:
                _exchange(self._modules, before)


def load_course(folder: Path | None = None) -> Course:
    """Return the course in `folder`, else the one in the current folder, else the built-in one."""
    if folder is not None:
        if not (folder / "exercises").is_dir():
            raise InputError(f"{folder}: not a course", hint="A course is a folder with exercises/ in it.")
        return Course(folder.resolve(), folder.resolve().name)
    here = Path.cwd()
    if (here / "exercises").is_dir() and here != builtin_folder():
        return Course(here, here.name)
    return Course(builtin_folder(), "convgrader")


def builtin_folder() -> Path:
    """Return the folder of the built-in course: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "builtin"
    return packed if packed.is_dir() else package.parent


def _course_modules() -> dict[str, ModuleType]:
    """Return what `exercises`, `solutions` and their modules are now."""
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES}


def _exchange(old: Mapping[str, ModuleType], new: Mapping[str, ModuleType]) -> None:
    for name in old:
        del sys.modules[name]
    sys.modules.update(new)


def _package(folder: Path) -> ModuleType:
    module = ModuleType(folder.name)
    module.__path__ = [str(folder)]
    return module


def _path(package: ModuleType | None) -> str:
    """Return the folder of a package, or nothing."""
    return next(iter(getattr(package, "__path__", ())), "")


def _place(error: Exception, folder: Path) -> str:
    """Return the file and line of the course where an error arose."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(folder))]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(folder)

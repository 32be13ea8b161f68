"""Grading a class: which parts each file answers, the cases drawn once, the students graded side by side."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import import_module
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

from grader.answers import count, shortened
from grader.contract import Contract, Limits
from grader.course import Course
from grader.draw import digest
from grader.errors import GraderError, InputError, SandboxError, VariantError, did_you_mean
from grader.exercise import AnyExercise, Level
from grader.marking import mark_answers, mark_forms, unknown_names
from grader.model import AnyModelPart, ModelTask, Plan
from grader.outcome import Gradebook, Outcome, PartResult, StudentResult, Verdict
from grader.sandbox import tiers
from grader.submission import Module, Submission
from grader.tryout import FORM_ONLY, UNKEYED
from grader.variant import AnyVariant, Keyed, Seeded, VariantId, draw_variant, parse_id, variant_id

if TYPE_CHECKING:
    from grader.functions.cases import CaseSet
    from grader.functions.runner import Runner
    from grader.models.data import OtherData
    from grader.sandbox.host import Sandbox

STRANGER = "was not handed out to"
STRAY = 20  # names in a student's answers that are told to be no part's
FILES = "files"  # the topic, and the part, of what could not be read and of which nobody knows what it answers
OPTIMIZERS = "torch._dynamo"  # what every optimizer of torch imports when it is made, which takes a second
TORCH = frozenset({"torch", OPTIMIZERS})  # what models need
GPU_START = 20.0  # seconds that a process may take more on a GPU: its first tensor there loads the libraries
ENDING = 5.0  # seconds after Ctrl-C in which another one changes nothing
HIDDEN = b"hidden cases"  # without a course key: not those of `grader try`


@dataclass(frozen=True)
class Settings:
    """How a class is graded. `key` is the course key; `seed` and `level` pin the variant handed out to all."""

    key: bytes | None = None
    seed: int | None = None
    level: Level | None = None
    topics: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    jobs: int = 0  # 0: as many as there are cores
    call_seconds: float | None = None
    public: bool = False  # `grader try`: public cases only
    quick: bool = False  # models learn from a few examples, and their accuracy is not judged
    device: str = "cpu"  # where models are trained
    data: OtherData | None = None  # what models are trained on instead of their topic's own
    tier: str = tiers.AUTO

    @property
    def workers(self) -> int:
        """How many submissions are graded at a time."""
        return self.jobs or os.cpu_count() or 1

    @property
    def secret(self) -> bytes:
        """Where the cases come from: the course key where there is one."""
        from grader.functions.cases import PUBLIC

        if self.public:
            return PUBLIC
        return digest("cases", self.key) if self.key else HIDDEN

    def limits(self, contracts: Iterable[Contract]) -> Limits:
        """Return the widest limits of the contracts, or what was asked for."""
        every = [contract.limits for contract in contracts] or [Limits()]
        call = self.call_seconds or max(limit.call_seconds for limit in every)
        total = max(*(limit.total_seconds for limit in every), 3 * call)
        return Limits(call, total, max(limit.memory for limit in every))


NAMELESS = "it has answers and no VARIANT, which says what was asked. Copy that line from your stub."


def _lacks_variant(module: Module) -> bool:
    """Has a stub lost the line that says which numbers its answers are for?"""
    return module.variant is None and module.binds_answers


@dataclass(frozen=True)
class Task:
    """One file of a student, understood: its variant or none, and the functions it is graded on."""

    module: Module
    topic: str
    exercise: AnyExercise | None = None
    variant: AnyVariant | None = None
    functions: tuple[tuple[Contract, Fraction], ...] = ()
    models: tuple[AnyModelPart, ...] = ()
    blocked: str = ""  # why nothing of it can be graded
    unread: str = ""  # the same, through no fault of the student
    ungradable: str = ""  # why its answers cannot be, through no fault of the student
    remark: str = ""  # on the function that the file is called after: what else in it is not graded

    @property
    def reads_answers(self) -> bool:
        """Can anything be told of its answers? Of their form even where only the course has the key."""
        return self.variant is not None or self.ungradable == UNKEYED


@dataclass
class Grading:
    """A run: the course, the settings, and the case sets, which are drawn once."""

    course: Course
    settings: Settings = Settings()
    tier: str = ""  # how students' code was contained, once some of it was run
    _sets: dict[str, CaseSet] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cases(self, contract: Contract) -> CaseSet:
        """Return the cases of a contract, drawn when first asked for."""
        from grader.functions.cases import FUZZED, case_set

        with self._lock:
            if contract.name not in self._sets:
                fuzzed = 0 if self.settings.public else FUZZED
                self._sets[contract.name] = case_set(contract, self.settings.secret, fuzzed=fuzzed)
            return self._sets[contract.name]

    def grade(
        self,
        submissions: Sequence[Submission],
        progress: Callable[[Submission, StudentResult], None] = lambda submission, result: None,
    ) -> Gradebook:
        """Grade all submissions; Ctrl-C ends the run early, with what was graded until then.

        Raises:
            InputError: students' code would have to be run, and cannot be in the tier that was asked for.
        """
        started = time.monotonic()
        plans = [(submission, self.plan(submission)) for submission in submissions]
        for _, (tasks, _) in plans:
            for task in tasks:
                for contract, _ in task.functions:
                    self.cases(contract)
        results, interrupted = self._run(plans, progress)
        ordered = tuple(sorted(results, key=lambda result: result.student))
        warnings = (*tiers.warnings(self.settings.tier), *_doubts(plans))
        return Gradebook(self.course.name, ordered, interrupted, warnings, seconds=time.monotonic() - started)

    def plan(self, submission: Submission) -> tuple[list[Task], list[str]]:
        """Return what each file is graded on, and the sentences about those that are graded on nothing."""
        tasks, problems, unread = [], list(submission.problems), list(submission.unread)
        for module in submission.modules:
            try:
                task = self._task(submission, module)
            except VariantError as error:
                task = self._blocked(module, f"{module.path}: {error.message}. {error.hint}".strip())
            if task.blocked:
                problems.append(task.blocked)
            elif _lacks_variant(module) and not module.unread:
                problems.append(f"{module.path}: {NAMELESS}")
            if task.exercise or task.functions:
                tasks.append(task)
            elif task.unread:
                unread.append(task.unread)
        if unread:
            tasks.append(Task(Module(FILES), FILES, unread="\n".join(unread)))
        return _without_doubles(tasks, problems)

    def _task(self, submission: Submission, module: Module) -> Task:
        """Understand one file."""
        if module.unread:
            return replace(self._blocked(module, ""), unread=module.unread)
        if module.problem:
            return self._blocked(module, module.problem)
        if module.variant is None:
            return self._functions_only(module)
        ident = parse_id(module.variant)
        if self.settings.topics and ident.topic not in self.settings.topics:
            return Task(module, ident.topic)
        if ident.topic not in self.course.topics:
            raise VariantError(
                f"VARIANT {ident.text!r} is of a topic that this course does not have",
                hint="Where it is another course's, --course names that one's folder.",
            )
        exercise = self.course.exercise(ident.topic)
        functions = tuple((part.contract, Fraction(part.marks)) for part in exercise.functions)
        variant, ungradable = self._variant(submission, exercise, ident)
        return Task(module, exercise.name, exercise, variant, functions, exercise.models, ungradable=ungradable)

    def _variant(
        self, submission: Submission, exercise: AnyExercise, ident: VariantId
    ) -> tuple[AnyVariant | None, str]:
        """Return the variant that an id names, or why it cannot be derived here."""
        if ident.version != exercise.version:
            return None, f"VARIANT {ident.text!r} is of version {ident.version}; this course has {exercise.version}"
        if not ident.is_keyed:
            return self._seeded(exercise, ident), ""
        if self.settings.key is None and self.settings.public:
            return None, UNKEYED
        if self.settings.key is None:
            return None, f"VARIANT {ident.text!r} needs the course key: the instructor passes it with --key-file"
        if submission.misnamed:
            reason = "the student's name is not UTF-8, so nobody can tell which variant it must be"
            return None, f"{reason}. Call the folder as the roster does, and run the command again."
        source = Keyed(self.settings.key, submission.student, ident.attempt)
        if variant_id(exercise, ident.level, source) != ident.text:
            raise VariantError(
                f"VARIANT {ident.text!r} {STRANGER} {submission.student!r}", hint="Copy your own sheet's."
            )
        if self.settings.level not in (None, ident.level):
            raise VariantError(
                f"VARIANT {ident.text!r} is of another level than {str(self.settings.level)!r}",
                hint="Copy the one on the sheet of that level.",
            )
        return draw_variant(exercise, ident.level, source), ""

    def _seeded(self, exercise: AnyExercise, ident: VariantId) -> AnyVariant:
        wanted = self.settings
        if wanted.key is not None:
            raise VariantError(
                f"VARIANT {ident.text!r} is for practice", hint="Copy the one on the sheet of your course."
            )
        if (wanted.seed is not None and ident.seed != wanted.seed) or wanted.level not in (None, ident.level):
            raise VariantError(f"VARIANT {ident.text!r} is not the one handed out", hint="Copy your own sheet's.")
        return draw_variant(exercise, ident.level, Seeded(ident.seed, ident.number))

    def _functions_only(self, module: Module) -> Task:
        """A module without VARIANT is graded on every contract function that it defines.

        In a file called after one of them, a function that only bears another's name is a helper of its own.
        """
        known = self.course.contracts
        if self.settings.topics:
            named = {p.name for t in self.settings.topics for p in self.course.exercise(t).functions}
            known = {name: contract for name, contract in known.items() if name in named}
        defined = [name for name in sorted(known) if name in module.names]
        helpers = [name for name in defined if module.stem in defined and _only_a_name(known[name], module)]
        functions = tuple((known[name], Fraction(1)) for name in defined if name not in helpers)
        if functions:
            return Task(module, "", functions=functions, remark=_helpers(helpers))
        hints = (did_you_mean(name, known) for name in module.names)
        hint = next((h for h in hints if h), "It has neither a VARIANT nor a function that this course asks for.")
        return self._blocked(module, f"{module.path}: no known function. {hint}")

    def _blocked(self, module: Module, problem: str) -> Task:
        """A file that cannot be graded: all parts of the topic it is called after are missing."""
        if module.stem in self.course.topics:
            exercise = self.course.exercise(module.stem)
            functions = tuple((part.contract, Fraction(part.marks)) for part in exercise.functions)
            return Task(module, module.stem, exercise, functions=functions, models=exercise.models, blocked=problem)
        contract = self.course.contracts.get(module.stem)
        functions = ((contract, Fraction(1)),) if contract else ()
        return Task(module, "", functions=functions, blocked=problem)

    def _run(
        self,
        plans: list[tuple[Submission, tuple[list[Task], list[str]]]],
        progress: Callable[[Submission, StudentResult], None],
    ) -> tuple[list[StudentResult], bool]:
        """Grade side by side; every job has a sandbox of its own, and one stuck student stops nobody else."""
        results: list[StudentResult] = []
        with ExitStack() as stack:
            pressed = stack.enter_context(_ctrl_c())
            running = [task for _, (tasks, _) in plans for task in tasks if _needs_process(task)]
            pool = _Sandboxes(_importable(self.settings.allow, running), self.settings.tier, stack)
            if any(task.models for task in running):
                threading.Thread(target=_ready_for_models).start()
            if running:
                self.tier = pool.first(frozenset() if any(not task.models for task in running) else TORCH)
            executor = ThreadPoolExecutor(self.settings.workers)
            whose: dict[Future[StudentResult], Submission] = {}
            # Not `concurrent.futures.wait`, which goes through all that are left whenever one is done.
            ended: SimpleQueue[Future[StudentResult]] = SimpleQueue()
            try:
                for submission, (tasks, problems) in plans:
                    future = executor.submit(self._student, submission, tasks, problems, pool)
                    whose[future] = submission
                    future.add_done_callback(ended.put)
                while len(results) < len(plans):
                    if pressed.is_set():
                        raise KeyboardInterrupt
                    try:
                        future = ended.get(timeout=1)
                    except Empty:
                        continue
                    results.append(future.result())
                    progress(whose[future], results[-1])
            except KeyboardInterrupt:
                for future in whose:
                    future.cancel()
                pool.kill()
                executor.shutdown(wait=True, cancel_futures=True)
                return results, True
            executor.shutdown()
        return results, False

    def _student(
        self, submission: Submission, tasks: list[Task], problems: list[str], pool: _Sandboxes
    ) -> StudentResult:
        """Grade one student; a failure of ours is `ungradable` and stops nobody else."""
        parts: list[PartResult] = []
        notes = list(problems)
        for task in tasks:
            try:
                found, said = self._grade_task(task, pool)
            except Exception as error:  # whatever it is, it is not the student's fault
                reason = _sentence(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
                found, said = _all_parts(task, Outcome.UNGRADABLE, f"the grader failed: {reason}"), []
            parts += found
            notes += said
        if not parts and not notes:
            notes = ["nothing of it was asked for in this run"]
        variants = tuple(task.variant.id for task in tasks if task.variant)
        return StudentResult(submission.student, tuple(parts), tuple(notes), variants)

    def _grade_task(self, task: Task, pool: _Sandboxes) -> tuple[list[PartResult], list[str]]:
        if task.unread:
            unknown = _part(task.topic, task.topic, "answer", Outcome.UNGRADABLE, Fraction(0), task.unread)
            return _all_parts(task, Outcome.UNGRADABLE, task.unread) or [unknown], []
        if task.blocked:
            return _all_parts(task, Outcome.MISSING, f"nothing could be graded: {task.blocked}"), []
        if not _needs_process(task):
            return self._answers(task, None)
        with self._runner(task, pool) as runner:
            answers, notes = self._answers(task, runner)
            final = None if task.models or not task.functions else task.functions[-1][0]
            functions = [
                self._function(task, contract, marks, runner, last=contract is final)
                for contract, marks in task.functions
            ]
            models = self._models(task, runner)
        return answers + functions + models, notes

    @contextmanager
    def _runner(self, task: Task, pool: _Sandboxes) -> Iterator[Runner]:
        """Load the module in a process of its own."""
        from grader.functions.runner import Runner

        limits = self._limits(task)
        packages = TORCH if task.models else frozenset()
        seed = digest("student", self.settings.secret, hashlib.sha256(task.module.source).digest())
        name = task.module.path.rpartition("/")[2]
        asked = [self.cases(contract) for contract, _ in task.functions if contract.name in task.module.names]
        scripts = [script for cases in asked for script in cases.scripts]
        runner = Runner(lambda: pool.mine(packages).open(task.module.source, name, limits, seed, scripts))
        try:
            yield runner
        finally:
            runner.close()

    def _limits(self, task: Task) -> Limits:
        """Return what one submission may use; a training needs more than a call."""
        limits = self.settings.limits(contract for contract, _ in task.functions)
        if task.variant is None or not task.models:
            return limits
        plans = [self._plan(task, part, task.variant) for part in task.models]
        seconds = self.settings.call_seconds or max(plan.seconds for plan in plans)
        memory = max(limits.memory, *(plan.memory for plan in plans))
        if self.settings.device != "cpu":
            seconds, memory = seconds + GPU_START, -1
        return Limits(seconds, limits.total_seconds + 4 * seconds, memory)

    def _plan(self, task: Task, part: AnyModelPart, variant: AnyVariant) -> Plan:
        """Return the plan of a variant's part, on the data that were asked for."""
        plan = part.plan(variant.p)
        return self.settings.data.on(task.topic, part, plan) if self.settings.data else plan

    def _models(self, task: Task, runner: Runner) -> list[PartResult]:
        """Grade the functions that build and train models, in their order: a training rests on what it trains."""
        if not task.models:
            return []
        if task.variant is None:
            return _all_parts(replace(task, exercise=None, functions=()), Outcome.UNGRADABLE, task.ungradable)
        from grader.models.judge import judge_model

        results: list[PartResult] = []
        for part in task.models:
            named = task.module.names
            weights = task.module.weights if part.task is ModelTask.TRAIN and part.name not in named else None
            needed = part.name if weights is None else part.builder
            failed = self._cannot_run(task, needed, "model", Fraction(part.marks), runner, part.name)
            right = all(result.outcome is Outcome.CORRECT for result in results if result.part == part.builder)
            plan = self._plan(task, part, task.variant)
            result = failed or judge_model(
                part,
                plan,
                runner,
                task.topic,
                self.settings.secret,
                device=self.settings.device,
                share=1 / self.settings.workers,
                quick=self.settings.quick,
                trusted=right,
                weights=weights,
            )
            results.append(_with_earlier_curves(result, results) if plan.run else result)
        return results

    def _answers(self, task: Task, runner: Runner | None) -> tuple[list[PartResult], list[str]]:
        if task.exercise is None or not task.exercise.parts:
            return [], []
        if not task.reads_answers:
            ungradable = replace(task, functions=(), models=())
            return _all_parts(ungradable, Outcome.UNGRADABLE, task.ungradable), []
        known = [part.name for part in task.exercise.parts]
        raw, lost, notes = _raw_answers(task.module, runner, known)
        stray = unknown_names(task.exercise, raw)
        notes += [
            f"{task.module.path}: answers has no part {shortened(repr(name))}. {did_you_mean(name, known)}".rstrip()
            for name in stray[:STRAY]
        ]
        if len(stray) > STRAY:
            notes.append(f"{task.module.path}: answers has {len(stray) - STRAY:,} more names that are no part's")
        if task.variant is None:
            return mark_forms(task.exercise, raw, lost, FORM_ONLY), notes
        return mark_answers(task.variant, raw, lost), notes

    def _cannot_run(
        self, task: Task, name: str, kind: str, marks: Fraction, runner: Runner, part: str = ""
    ) -> PartResult | None:
        """Return the result of a part whose module does not load or lacks its function; None when it can be run."""
        from grader.sandbox.replies import Returned

        topic = task.topic or name
        if not isinstance(runner.loaded, Returned):
            outcome, message, line = _load_failure(task.module, runner.loaded)
            return _part(topic, part or name, kind, outcome, marks, message, line)
        if name not in task.module.names:
            hint = did_you_mean(name, task.module.names)
            message = f"{task.module.path}: no function named {name!r}. {hint}".rstrip()
            return _part(topic, part or name, kind, Outcome.MISSING, marks, message)
        return None

    def _function(
        self, task: Task, contract: Contract, marks: Fraction, runner: Runner, *, last: bool = False
    ) -> PartResult:
        from grader.functions.judge import judge

        topic = task.topic or contract.name
        if failed := self._cannot_run(task, contract.name, "function", marks, runner):
            return failed
        result = judge(self.cases(contract), runner, topic, marks, last=last)
        if task.remark and contract.name == task.module.stem:
            said = (f"{text} {task.remark}" for text in (result.message, result.summary))
            result = replace(result, message=next(said), summary=next(said))
        if result.outcome is Outcome.NOT_ALLOWED:
            return replace(result, message=_not_allowed(task.module, result.message))
        return result


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """Remember Ctrl-C besides raising it: what is raised in a callback of the garbage collector is lost.

    Pressed again within ENDING seconds it does nothing: cut short, the end would leave processes and folders behind.
    """
    pressed = threading.Event()
    first = -math.inf
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if first <= now - ENDING:
            first = now
            pressed.set()
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _doubts(plans: Sequence[tuple[Submission, tuple[list[Task], list[str]]]]) -> tuple[str, ...]:
    """Return what an instructor should be told when most of a class fails for one reason that is not theirs."""
    strangers = sum(any(STRANGER in problem for problem in problems) for _, (_, problems) in plans)
    if strangers < 2 or 2 * strangers < len(plans):
        return ()
    return (f"{strangers} of {len(plans)} students have variants of another course key: is --key-file the right one?",)


class _Sandboxes:
    """One sandbox a thread, opened when first needed and opened again after it broke."""

    def __init__(self, common: frozenset[str], tier: str, stack: ExitStack) -> None:
        self._common = common
        self._tier = tier
        self._stack = stack
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[Sandbox] = []
        self._unused: list[Sandbox] = []

    def first(self, packages: frozenset[str] = frozenset()) -> str:
        """Open one before anything is graded, and return its tier: where none can be, nobody is graded."""
        try:
            self._unused.append(self._another(packages))
        except SandboxError as error:
            raise InputError(error.message, hint=tiers.WAY_OUT) from None
        return self._unused[0].tier

    def mine(self, packages: frozenset[str]) -> Sandbox:
        """Return this thread's sandbox with these packages and those that all may import."""
        own: dict[frozenset[str], Sandbox] = self._local.__dict__.setdefault("sandboxes", {})
        if packages not in own:
            with self._lock:
                fitting = next((s for s in self._unused if packages | self._common == s.packages), None)
                if fitting:
                    self._unused.remove(fitting)
                own[packages] = fitting or self._another(packages)
        return own[packages]

    def _another(self, packages: frozenset[str]) -> Sandbox:
        from grader.sandbox.host import Sandbox

        made = Sandbox(packages | self._common, self._tier)
        self._open.append(self._stack.enter_context(made))
        return self._open[-1]

    def kill(self) -> None:
        """End every process at once, so that no thread waits for a student any longer."""
        for sandbox in self._open:
            sandbox.close()


def _importable(allowed: frozenset[str], tasks: Iterable[Task]) -> frozenset[str]:
    """Return what all submissions may import, and what is imported before they are; optimizers where one is named."""
    named = "torch" in allowed and any(b"optim" in task.module.source for task in tasks)
    return frozenset({"numpy"}) | allowed | (TORCH if named else frozenset())


def _sentence(error: GraderError) -> str:
    """Return what is wrong and the way out."""
    return f"{error.message.rstrip('.')}. {error.hint}" if error.hint else error.message


def _ready_for_models() -> None:
    """Import what the reference needs, which takes seconds, while a sandbox does the same."""
    with suppress(ImportError):  # who grades models without it is told so where it is used
        import_module(OPTIMIZERS)


def _only_a_name(contract: Contract, module: Module) -> bool:
    """Does another function in this file bear a contract's name by chance? It cannot take the contract's arguments."""
    parameters = module.signatures.get(contract.name)
    return contract.name != module.stem and parameters is not None and not contract.accepted_by(parameters)


def _helpers(names: list[str]) -> str:
    listing = " and ".join(repr(name) for name in names)
    sentence = (
        f"Not graded: {listing}, which here {'takes' if len(names) == 1 else 'take'} other arguments than asked for."
    )
    return sentence if names else ""


def _needs_process(task: Task) -> bool:
    """Must something of the student be run to grade this?"""
    if task.blocked or task.unread:
        return False
    module = task.module
    return bool(task.functions or task.models) or (
        task.reads_answers and module.answers is None and module.binds_answers
    )


def _copies(one: Task, other: Task) -> bool:
    """Have these the same bytes, to be graded on the same? A second download is called `padding (1).py`."""
    same = one.module.source == other.module.source and one.module.weights == other.module.weights
    asked = (one.topic, one.functions, one.models) == (other.topic, other.functions, other.models)
    return bool(one.module.source) and same and asked


def _without_doubles(tasks: list[Task], problems: list[str]) -> tuple[list[Task], list[str]]:
    """Keep one file a topic or function: with two nobody can tell which one counts, except that they are copies."""
    found, tasks = tasks, []
    for task in found:
        if not any(_copies(task, other) for other in tasks):
            tasks.append(task)
    places: dict[str, list[str]] = {}
    for task in tasks:
        for name in {task.topic} if task.topic else {contract.name for contract, _ in task.functions}:
            places.setdefault(name, []).append(task.module.path)
    doubles = {name: paths for name, paths in places.items() if len(paths) > 1}
    for name, paths in sorted(doubles.items()):
        problems.append(f"{name}: handed in {count(len(paths), 'time')} ({', '.join(paths)}); leave one")
    kept: list[Task] = []
    seen: set[str] = set()
    for task in tasks:
        names = {task.topic} if task.topic else {contract.name for contract, _ in task.functions}
        fresh = names - seen
        if not fresh:
            continue
        seen |= names
        twice = sorted(fresh & set(doubles))
        blocked = task.blocked or (f"handed in more than once: {', '.join(twice)}" if twice else "")
        if task.topic:
            kept.append(replace(task, blocked=blocked))
            continue
        once = tuple(pair for pair in task.functions if pair[0].name in fresh and pair[0].name not in doubles)
        again = tuple(pair for pair in task.functions if pair[0].name in twice)
        kept += [replace(task, functions=once)] if once else []
        kept += [replace(task, functions=again, blocked=blocked)] if again else []
    return kept, problems


def _raw_answers(
    module: Module, runner: Runner | None, parts: Sequence[str]
) -> tuple[Mapping[str, object], Mapping[str, Verdict], list[str]]:
    """Return the student's answers as plain data: read from the file, else from the module that ran.

    Where it does not run, those that are written out in the file count, and the others are lost: why comes second.
    """
    from grader.sandbox.replies import Returned

    if module.answers is not None:
        return module.answers, {}, []
    if runner is None:
        return {}, {}, [f"{module.path}: no answers: keep the line that starts with 'answers ='"]
    reply = runner.value("answers")
    if isinstance(reply, Returned) and isinstance(reply.value, dict):
        return {str(name): _listed(value) for name, value in reply.value.items()}, {}, []
    if not module.binds_answers:
        return {}, {}, [f"{module.path}: no answers: keep the line that starts with 'answers ='"]
    if isinstance(reply, Returned):
        return {}, {}, [f"{module.path}: answers is not a dict"]
    outcome, why, _ = _load_failure(module, reply)
    ours = Outcome.UNGRADABLE if outcome is Outcome.UNGRADABLE else Outcome.MISSING
    lost = dict.fromkeys(module.computed or parts, Verdict(ours, f"the answer could not be read: {why}"))
    names = " and ".join(repr(name) for name in module.computed)
    which = f"the {'answers' if len(lost) > 1 else 'answer'} to {names}" if names else "answers"
    return module.literals, lost, [f"{which} could not be read: {why}"]


def _listed(value: Any) -> Any:
    """Return a NumPy array or number as lists and numbers, also inside lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value


def _load_failure(module: Module, reply: Any) -> tuple[Outcome, str, int | None]:
    """Say why a module could not be run, for the student who wrote it."""
    from grader.sandbox.replies import Died

    if isinstance(reply, Died):
        return reply.outcome, f"{module.path}: {reply.message}", None
    if reply.missing:
        line = reply.line or module.imports.get(reply.missing.split(".")[0])
        place = f"line {line}: " if line else ""
        sentence = f"imports {reply.missing!r}, which is not allowed here"
        return Outcome.NOT_ALLOWED, f"{module.path}: {place}{sentence}; use NumPy and the standard library", line
    place = f"line {reply.line}: " if reply.line else ""
    said = f": {reply.message}" if reply.message else ""
    if reply.type == "NameError" and reply.line in module.computed.values():
        said += ": put text in quotes"
    return Outcome.CRASHED, f"{module.path}: {place}the module raises {reply.type} when it is loaded{said}", reply.line


def _not_allowed(module: Module, message: str) -> str:
    lines = [f"{name!r} in line {line}" for name, line in sorted(module.imports.items()) if name in message]
    return f"{message} ({', '.join(lines)})" if lines else message


def _with_earlier_curves(result: PartResult, earlier: Sequence[PartResult]) -> PartResult:
    """Return a training with the curves of those before it, for a plot of all."""
    if not result.record:
        return result
    known = [one.record for one in earlier]
    together = {
        name: {label: curve for record in (*known, result.record) for label, curve in record.get(name, {}).items()}
        for name in ("curves", "reference")
    }
    return replace(result, record={**result.record, **together})


def _all_parts(task: Task, outcome: Outcome, message: str) -> list[PartResult]:
    """Return every part of a task with the same outcome and no marks."""
    parts = []
    for part in task.exercise.parts if task.exercise else ():
        parts.append(_part(task.topic, part.name, "answer", outcome, Fraction(part.marks), message))
    for contract, marks in task.functions:
        parts.append(_part(task.topic or contract.name, contract.name, "function", outcome, marks, message))
    for model in task.models:
        parts.append(_part(task.topic, model.name, "model", outcome, Fraction(model.marks), message))
    return parts


def _part(
    topic: str, name: str, kind: str, outcome: Outcome, marks: Fraction, message: str, line: int | None = None
) -> PartResult:
    return PartResult(topic, name, kind, outcome, Fraction(0), marks, message, line=line)

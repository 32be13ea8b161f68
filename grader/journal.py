"""Results kept as they come: a killed run goes on where it stopped, what has not changed is not graded again.

A journal is a file of lines in the user's cache folder, one a student. It belongs to one grader, course and way
of grading: when any of these changes, another journal is used. Its lines hold hidden cases, so it is private.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from grader.check import Settings
from grader.course import Course
from grader.draw import digest
from grader.errors import InputError
from grader.outcome import Outcome, StudentResult
from grader.report.document import student_from_json, student_to_json
from grader.submission import Submission

KEEP_DAYS = 60


class Journal:
    """The results of earlier runs, by what was handed in; a new result is on the disk before the next one starts."""

    def __init__(self, course: Course, settings: Settings, *, fresh: bool = False) -> None:
        folder = cache_folder()
        self._path = folder / f"{stamp(course, settings).hex()[:32]}.jsonl"
        self._known: dict[str, StudentResult] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget_old(folder)
            if not fresh:
                self._known = dict(_read(self._path))
        except OSError:  # a journal is a convenience: without one everything is graded
            self._path = Path(os.devnull)

    def get(self, submission: Submission) -> StudentResult | None:
        """Return the earlier result of exactly this submission."""
        return self._known.get(_key(submission))

    def put(self, submission: Submission, result: StudentResult) -> None:
        """Keep a result; one that could not be graded is tried again the next time."""
        if any(part.outcome is Outcome.UNGRADABLE for part in result.parts):
            return
        line = json.dumps({"key": _key(submission), "result": student_to_json(result)}, ensure_ascii=True) + "\n"
        try:
            with open(self._path, "a", encoding="ascii", opener=_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(line)
        except OSError:
            return


def cache_folder() -> Path:
    """Return where journals are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "convgrader"


def stamp(course: Course, settings: Settings) -> bytes:
    """Return what a result depends on beside the submission: the grader's and the course's files, the settings."""
    package = Path(__file__).resolve().parent
    files = [
        *package.rglob("*.py"),
        *(p for name in ("exercises", "solutions") for p in (course.folder / name).rglob("*.py")),
        *(course.folder / "exercises").rglob("*.json"),
    ]
    contents = hashlib.sha256()
    for path in sorted(set(files)):
        contents.update(digest(path.name, path.read_bytes()))
    chosen = (
        settings.seed,
        settings.level,
        settings.topics,
        sorted(settings.allow),
        settings.call_seconds,
        settings.tier,
        settings.quick,
        settings.device,
    )
    data = settings.data.stamp if settings.data else b""
    return digest(contents.digest(), settings.secret, settings.key or b"", repr(chosen), data)


def _key(submission: Submission) -> str:
    labels: list[str | bytes] = [submission.student, *submission.problems, *submission.unread]
    for module in submission.modules:
        labels += [module.path, module.source, module.problem, module.unread, *(module.weights or ())]
    return digest(*labels).hex()


def _read(path: Path) -> Iterator[tuple[str, StudentResult]]:
    """Yield the results of a journal; a line cut short by a kill is passed over."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            yield str(entry["key"]), student_from_json(entry["result"])
        except (ValueError, LookupError, TypeError, InputError):
            continue


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _forget_old(folder: Path) -> None:
    limit = time.time() - KEEP_DAYS * 24 * 3600
    for path in folder.glob("*.jsonl"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)

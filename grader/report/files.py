"""Writing reports: whole files or none, under names that are safe on any system."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.errors import InputError

_LONGEST = 120  # bytes of a name, well below what file systems allow
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def write_text(path: Path, text: str | Iterable[str]) -> Path:
    """Write a UTF-8 file, whole or in pieces, at once: a reader sees the old file or the new one, never half of it.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    temporary = None
    path = on_disk(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".", suffix=".part", delete=False) as file:
            temporary = file.name
            for piece in (text,) if isinstance(text, str) else text:
                file.write(piece.encode("utf-8"))
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}", hint="Choose another folder with -o."
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
    return path


def on_disk(path: Path) -> Path:
    """Return a path as Python must be given it so that names are UTF-8 on the disk, whatever the locale."""
    return Path(os.fsdecode(str(path).encode("utf-8", "surrogateescape")))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def safe_names(names: Iterable[str]) -> Iterator[str]:
    """Yield a file name without suffix for each name: no path, no surprises, none twice (case aside).

    >>> list(safe_names(["ada", "../Ada", "", "Zoë K."]))
    ['ada', 'Ada-2', 'student', 'Zoë K']
    """
    taken: set[str] = set()
    for name in names:
        stem = candidate = _safe(name)
        number = 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem}-{number}"
        taken.add(candidate.casefold())
        yield candidate


def _safe(name: str) -> str:
    """Keep letters and digits of any script, their accents, and a few signs; the rest becomes one underscore."""
    kept = "".join(c if _is_plain(c) else "_" for c in unicodedata.normalize("NFC", name))
    kept = re.sub("__+", "_", kept)
    short = kept.encode("utf-8")[:_LONGEST].decode("utf-8", "ignore").strip("._ -")
    if not short:
        return "student"
    return short + "_" if short.split(".")[0].casefold() in _RESERVED else short


def _is_plain(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in "-_. "

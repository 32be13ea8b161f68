"""The course key: the secret that every student's own variant is derived from."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from grader.errors import InputError

MIN_BYTES = 16
MAX_BYTES = 4096
_HINT = "Name the file that `grader generate` made for --students."


def read_key(path: Path) -> bytes:
    """Return the key in a file: its bytes without the white space around them.

    Raises:
        InputError: the file is missing, unreadable, too short or too long.
    """
    try:
        with path.open("rb") as file:
            key = file.read(MAX_BYTES + 1).strip()
    except OSError as error:
        raise InputError(f"{path}: the course key cannot be read: {error.strerror}", hint=_HINT) from error
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        much = f"more than {MAX_BYTES}" if len(key) > MAX_BYTES else str(len(key))
        raise InputError(f"{path}: a course key has {MIN_BYTES} to {MAX_BYTES} bytes, this file has {much}", hint=_HINT)
    return key


def create_key(path: Path) -> bytes:
    """Write 32 random bytes in hexadecimal to a new file that only its owner can read; return the key."""
    key = secrets.token_hex(32).encode()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "wb") as file:
            file.write(key + b"\n")
    except OSError as error:
        raise InputError(f"{path}: the course key cannot be written: {error.strerror}") from error
    return key


def is_private(path: Path) -> bool:
    """Can only the owner read or change the file?"""
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)

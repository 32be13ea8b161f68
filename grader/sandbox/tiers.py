"""What `grader check --sandbox` may be told, and what is said about each.

`auto`, `full`, `bwrap` and `landlock` are walls of `grader.sandbox.contain`; `docker` is the whole run in a container
with the walls of `landlock` inside; `none` is no wall at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.errors import InputError, did_you_mean

AUTO, FULL, BWRAP, LANDLOCK, DOCKER, NONE = "auto", "full", "bwrap", "landlock", "docker", "none"
TIERS = (AUTO, FULL, BWRAP, LANDLOCK, DOCKER, NONE)
AT_HOME = (AUTO, FULL, BWRAP, LANDLOCK, NONE)  # of one file, which a container would be too much for
UNSAFE = (
    "Graded with --sandbox none: students' code was not contained. It could read this machine's files, use the "
    "network, and look for the answers."
)
LESSER = "note: no user namespaces here, so students' code is behind Landlock and seccomp alone (tier 'landlock')."
WAY_OUT = (
    "`grader doctor` names what is missing. With a container engine: --sandbox docker. Only for files that you "
    "wrote yourself: --sandbox none."
)


def named(word: str, known: Sequence[str] = TIERS) -> str:
    """Return a tier's name, or raise InputError with the one to use instead."""
    if word not in known:
        hint = did_you_mean(word, known, otherwise=f"Use one of {', '.join(known)}.")
        raise InputError(f"--sandbox {word!r} is not known", hint=hint)
    return word


def warnings(tier: str) -> tuple[str, ...]:
    """Return what every report of a run in this tier must say."""
    return (UNSAFE,) if tier == NONE else ()

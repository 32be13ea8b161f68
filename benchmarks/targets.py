"""What was aimed at and what was measured: every section of the page keeps its own lines, the page shows all of them.

A section's lines are comments in its Markdown, so that one section can be measured again and the table follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

TITLE = "## Targets"
NOT_MEASURED = "not measured"
_LINE = re.compile(r"^<!-- target (\|.*\|) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """One line of the table: what is promised, how much of it, what was measured, and whether that is enough."""

    name: str
    wanted: str
    measured: str = NOT_MEASURED
    met: bool = False

    def line(self) -> str:
        verdict = "" if self.measured == NOT_MEASURED else "yes" if self.met else "**no**"
        return f"| {self.name} | {self.wanted} | {self.measured} | {verdict} |"


def kept(targets: Iterable[Target]) -> list[str]:
    """Return the lines that a section keeps in its text."""
    return ["", *(f"<!-- target {target.line()} -->" for target in targets)]


def table(text: str) -> str:
    """Return the section with all targets that a page's other sections keep."""
    head = ["| target | wanted | measured | met |", "|---|---:|---:|---|"]
    return "\n".join([TITLE, "", *head, *_LINE.findall(text)])


def refreshed(text: str) -> str:
    """Return a page with its table of targets made again; a page without one stays as it is."""
    before, found, rest = text.partition(f"\n{TITLE}\n")
    if not found:
        return text
    later = rest[rest.index("\n## ") :] if "\n## " in rest else "\n"
    return f"{before}\n{table(text)}\n{later}"

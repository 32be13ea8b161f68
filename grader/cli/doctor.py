"""`grader doctor`: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from grader import __version__
from grader.doctor import Item, can_grade, examine

NOTHING_CAN_BE_GRADED = 3


@click.command()
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@click.pass_context
def doctor(ctx: click.Context, style: str) -> None:
    """Say what is installed, what is missing, and how to get it.

    Exit status: 0 when the core works, 3 when nothing can be graded.
    """
    items = examine()
    click.echo(to_json(items) if style == "json" else to_text(items))
    ctx.exit(0 if can_grade(items) else NOTHING_CAN_BE_GRADED)


def to_json(items: Sequence[Item]) -> str:
    rows = [
        {"group": i.group, "name": i.name, "status": i.status, "found": i.found, "needed": i.needed}
        | ({} if i.present else {"fix": i.fix})
        for i in items
    ]
    return json.dumps({"grader": __version__, "can_grade": can_grade(items), "items": rows}, indent=2)


def to_text(items: Sequence[Item]) -> str:
    """Return the items in groups, the fix under what is missing, and the conclusion."""
    width = max(len(item.name) for item in items)
    lines: list[str] = []
    for group in dict.fromkeys(item.group for item in items):
        lines.append(group)
        for item in (i for i in items if i.group == group):
            lines.append(f"  {item.status:<7}  {item.name:<{width}}  {item.found}")
            if not item.present:
                lines.append(f"  {'':<7}  {'':<{width}}  → {item.fix}")
    absent = [item.name for item in items if item.needed and not item.present]
    lines.append(f"Nothing can be graded without: {', '.join(absent)}." if absent else "Ready to grade.")
    return "\n".join(lines)

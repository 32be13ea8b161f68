"""`grader regrade`: grade a class again after the course was mended, and say whose marks changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader.cli.check import check
from grader.cli.report import document_of

_OPTIONS = [p for p in check.params if p.name not in ("submissions", "output", "fresh", "form")]


@click.pass_context
def _regrade(ctx: click.Context, /, report: Path, submissions: tuple[Path, ...], output: Path, **options: Any) -> int:
    """Grade SUBMISSIONS again, everything fresh, and compare with REPORT, the earlier run's folder or report.json.

    Exit status: as 'grader check'.
    """
    from grader.answers import count
    from grader.report import document
    from grader.report.changes import changes, missing
    from grader.report.text import inert, one_line

    if output.resolve() == report.resolve().parent:
        raise click.UsageError("-o is the folder of the earlier report, which would be lost: name another one.")
    before = document.read(report)
    status = ctx.invoke(check, submissions=submissions, output=output, fresh=True, form="table", **options)
    after = document.read(output / "report.json")
    gone = missing(before, after)
    found = [change for change in changes(before, after) if change.student not in gone]
    click.echo(f"{count(len(found), 'mark')} changed:" if found else "No mark changed.")
    for change in found:
        click.echo(f"  {inert(str(change))}")
    if gone:
        click.echo(f"Not graded this time, with marks in the earlier report: {', '.join(map(one_line, gone))}")
    assert isinstance(status, int)
    return status


regrade = click.Command(
    "regrade",
    callback=_regrade,
    help=_regrade.__doc__,
    params=[
        click.Argument(["report"], type=click.Path(path_type=Path), callback=document_of),
        click.Argument(["submissions"], nargs=-1, required=True, type=click.Path(path_type=Path)),
        click.Option(
            ["-o", "--output"],
            required=True,
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder for the new report; not that of the earlier one.",
        ),
        *_OPTIONS,
    ],
)

"""The `grader` command: finds the subcommand, and turns our errors into two lines and an exit status."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.errors import GraderError, did_you_mean

if TYPE_CHECKING:
    from grader.course import Course

# name -> (module, attribute, one line of help), so that `grader --help` imports no command
COMMANDS = {
    "topics": ("grader.cli.topics", "topics", "List the topics, their parts and levels."),
    "generate": ("grader.cli.generate", "generate", "Draw variants; write sheets, stubs and keys."),
    "check": ("grader.cli.check", "check", "Grade submissions."),
    "try": ("grader.cli.try_", "try_", "Check one file at home, on public cases."),
    "report": ("grader.cli.report", "report", "Write a report again, in other formats."),
    "audit": ("grader.cli.audit", "audit", "Measure variants: many, fair, equal in cost, unguessable."),
    "selftest": ("grader.cli.selftest", "selftest", "Grade the grader: what is right passes, what is wrong is named."),
    "calibrate": ("grader.cli.calibrate", "calibrate", "Train references: how accurate is right enough?"),
    "regrade": ("grader.cli.regrade", "regrade", "Grade again after a change, and say whose marks changed."),
    "new": ("grader.cli.new", "new", "Start a topic of your own."),
    "doctor": ("grader.cli.doctor", "doctor", "Say what is installed, what is missing, and how to get it."),
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, not when help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS, otherwise="See 'grader --help'.")
            raise click.UsageError(f"no command named {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="grader")
@click.option(
    "--course",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of a course; default: the current folder where it has exercises/, else the built-in course.",
)
@click.pass_context
def cli(ctx: click.Context, course: Path | None) -> None:
    """Exercises and assessment for courses on convolutional networks."""
    ctx.obj = course


def course_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take --course after its name as well; it is passed as `course`, a loaded Course."""

    def load(ctx: click.Context, _param: click.Parameter, value: Path | None) -> object:
        from grader.course import load_course

        return load_course(value or ctx.find_root().obj)

    return click.option(
        "--course",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        callback=load,
        help="Folder of a course.",
    )(function)


def course_words(course: Course) -> str:
    """Return what names the course in a command that is to be typed here: nothing where it is found by itself."""
    from grader.course import load_course

    return "" if load_course().folder == course.folder else f" --course {shlex.quote(str(course.folder))}"


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take --dataset and --data-root; they are passed as `dataset` and `data_root`."""
    name = click.option(
        "--dataset", metavar="NAME", help="Train models on this set instead of their topic's own, as mnist."
    )
    root = click.option(
        "--data-root",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder of its files; without --dataset the topic's first set, mnist in the built-in course.",
    )
    return name(root(function))


def main() -> None:
    """Run the command line; the console script."""
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except GraderError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)

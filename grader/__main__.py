"""The `grader` command and `python -m grader`: Ctrl-C ends both in one word, also while they are still starting."""

import sys

INTERRUPTED = 130  # as a shell has it: 128 and the signal's number


def main() -> None:
    """Run the command line; the console script. What takes time to import is imported inside."""
    try:
        from grader.cli.main import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201 - click may be what was being imported
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()

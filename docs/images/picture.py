"""Draw the README's picture: the class report and one student's page, side by side, as Chromium shows them.

Run by `make picture`: python docs/images/picture.py REPORT STUDENT PNG
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH, HEIGHT = 1240, 680
PANE = 800  # width at which a page is laid out, before it is scaled to half of the picture

PAGE = """<!doctype html><style>
body {{ margin: 0; display: flex; gap: 20px; background: #c9ced6; width: {width}px; height: {height}px; }}
div {{ width: {half}px; height: {height}px; overflow: hidden; background: white; }}
iframe {{ border: 0; width: {pane}px; height: {tall}px; transform: scale({scale}); transform-origin: 0 0; }}
</style><div><iframe src="{first}"></iframe></div><div><iframe src="{second}"></iframe></div>"""


def draw(pages: tuple[Path, Path], target: Path) -> None:
    """Write the picture of two HTML files."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("error: chromium was not found. Install it: sudo apt-get install chromium")
    half = (WIDTH - 20) // 2
    scale = half / PANE
    first, second = (page.resolve().as_uri() for page in pages)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "picture.html")
        text = PAGE.format(
            width=WIDTH,
            height=HEIGHT,
            half=half,
            pane=PANE,
            tall=int(HEIGHT / scale),
            scale=scale,
            first=first,
            second=second,
        )
        page.write_text(text)
        flags = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
        flags += [
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder}/profile",
            "--hide-scrollbars",
        ]
        flags += [
            "--allow-file-access-from-files",
            f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={target.resolve()}",
        ]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        subprocess.run(  # noqa: S603 - found on the path, our own page
            [program, *flags, page.as_uri()], check=True, timeout=120, capture_output=True
        )
    print(f"{target}: {target.stat().st_size // 1000} KB")  # noqa: T201 - a script of its own


if __name__ == "__main__":
    draw((Path(sys.argv[1], "index.html"), Path(sys.argv[1], "students", f"{sys.argv[2]}.html")), Path(sys.argv[3]))

"""Figures of trained models: they show the numbers of the record, the same each time, and harm no page."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from grader.outcome import Gradebook, Outcome, StudentResult
from grader.report import document, figures, training
from grader.report.text import one_line
from tests import report_samples as samples
from tests.report_samples import part
from tests.test_report_formats import plain_terminal
from tests.test_report_html import Page, pages

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {
    "svg": {"class", "role", "aria-label", "viewBox", "width", "height", "font-family", "font-size"},
    "g": {"class", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-linejoin", "stroke-dasharray"}
    | {"stroke-opacity"},
    "path": {"d"},
    "text": {"x", "y", "text-anchor", "class", "fill", "transform"},
    "image": {"x", "y", "width", "height", "preserveAspectRatio", "image-rendering", "href"},
    "desc": set(),
    "title": set(),
}


def drawn(svg: str) -> ElementTree.Element:
    """Return a figure as XML, after a look that nothing in it can act, link, or clash with the page around it."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        tag = element.tag.removeprefix(SVG)
        assert set(element.attrib) <= ALLOWED[tag], (tag, element.attrib)
        assert "url(" not in str(element.attrib)
        assert element.get("href", "data:image/png;base64,").startswith("data:image/png;base64,")
    return root


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter(f"{SVG}text")]


def lines(svg: str, tone: str) -> list[list[tuple[float, float]]]:
    """Return the points of the lines of a tone, in pixels."""
    found = []
    for group in drawn(svg).iter(f"{SVG}g"):
        if group.get("class") == f"cg-{tone}" and group.get("stroke"):
            numbers = re.findall(r"[\d.]+", next(group.iter(f"{SVG}path")).get("d", ""))
            found.append([(float(x), float(y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)])
    return found


def pixels(svg: str) -> np.ndarray[Any, Any]:
    """Return the first picture of a figure: (H, W, 2), grey and opacity."""
    data = next(drawn(svg).iter(f"{SVG}image")).get("href", "").partition(",")[2]
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))))


def model(rec: dict[str, Any], name: str = "ada") -> Gradebook:
    return Gradebook("c", (StudentResult(name, (part("m", kind="model", record=rec),)),))


# What is to be seen ----------------------------------------------------------------------------------------


def test_a_curve_is_drawn_to_scale() -> None:
    """A plot that is off by an epoch, or upside down, teaches something wrong."""
    svg = figures.learning("test error", {"": [0.8, 0.4, 0.0]}, {"": [0.4, 0.4, 0.4]}, "said")
    _, own = lines(svg, "own")
    _, reference = lines(svg, "reference")
    (x1, y1), (x2, y2), (x3, y3) = own
    assert x2 - x1 == pytest.approx(x3 - x2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)
    assert y1 < y2 < y3
    assert {y for _, y in reference} == {y2}
    shown = texts(svg)
    assert {"test error, %", "yours", "the reference", "epoch", "0", "80", "1", "2", "3"} <= set(shown)


def test_accuracies_have_an_axis_of_their_own() -> None:
    """All of them near 100 %: drawn from 0 % they would be one line along the top."""
    svg = figures.learning("test accuracy", {"": [0.88, 0.92, 0.96]}, {}, "said")
    (_, y1), (_, y2), (_, y3) = lines(svg, "own")[-1]
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.2)
    assert y1 - y3 > 100
    shown = texts(svg)
    assert "0" not in shown
    assert {"test accuracy, %", "88", "96"} <= set(shown)


def test_runs_are_told_apart_by_their_dashes() -> None:
    """Two learning rates in one plot: colour says whose, the dashes say which; on paper both must be told apart."""
    svg = figures.learning("e", {"": [0.9, 0.1], "with momentum": [0.9, 0.2]}, {"with momentum": [0.5, 0.5]}, "")
    groups = [g for g in drawn(svg).iter(f"{SVG}g") if g.get("class") in ("cg-own", "cg-reference")]
    dashes = {(g.get("class"), g.get("stroke-dasharray")) for g in groups}
    assert dashes == {("cg-own", None), ("cg-own", "6 4"), ("cg-reference", "6 4")}
    assert "the reference, with momentum" in texts(svg)


def test_everyone_is_in_the_curves_of_the_class() -> None:
    """A thin line that says whose it is, for each student, and the reference thick above them all."""
    ((title, (test, train)),) = training.of_class(samples.trained(20))
    assert (title, test.title, train.title) == ("one hidden layer, accuracy", "Test error", "Training error")
    notes = {element.text for element in drawn(test.svg).iter(f"{SVG}title")}
    assert {"Zoë", "Zoë, with momentum"} <= notes
    assert len(notes) == 40
    *_, last = drawn(test.svg).iter(f"{SVG}g")
    assert (last.get("class"), last.get("stroke-width")) == ("cg-reference", "3")
    assert "median of 20 students 10.2 %, from 4.4 % (Ada) to 35.2 % (Barbara), the reference's 5.8 %" in test.said
    assert "Barbara" in drawn(test.svg).get("aria-label", "")


def test_a_long_training_is_drawn_with_a_few_hundred_points() -> None:
    """300 students with 2,000 epochs each would be a page of 20 MB."""
    svg = figures.learning("e", {"": [1 - n / 2000 for n in range(2000)]}, {}, "")
    _, own = lines(svg, "own")
    assert 150 < len(own) <= 201
    assert own[-1][0] == pytest.approx(360)


def test_a_curve_of_one_epoch_is_a_mark() -> None:
    """One point makes no line; quick runs have one epoch."""
    svg = figures.learning("e", {"": [0.5]}, {}, "")
    marks = [g for g in drawn(svg).iter(f"{SVG}g") if g.get("fill") == "currentColor"]
    assert len(marks) == 1


def test_a_curve_that_diverged_ends_in_a_gap() -> None:
    """NaN is what a too large learning rate leaves: it is said, and drawn as far as it goes."""
    (shown,) = training.of_part(part("m", kind="model", record={"curves": {"test error": [0.9, 0.5, "nan"]}}))
    assert "yours no number: it diverged" in shown.said
    assert "nan" not in shown.svg.lower()
    assert len(lines(shown.svg, "own")[1]) == 2


def test_the_matrix_shows_every_count_in_its_cell() -> None:
    """Rows are the true class: a matrix on its side blames the wrong class."""
    counts = [[30, 5, 0], [1, 29, 0], [0, 0, 40]]
    svg = figures.confusion(counts, ["cat", "dog", "owl"], "said")
    place = {
        element.text: (float(element.get("x", "")), float(element.get("y", "")))
        for element in drawn(svg).iter(f"{SVG}text")
        if (element.text or "").isdigit()
    }
    assert set(place) == {"30", "5", "1", "29", "40"}
    assert place["5"][1] == place["30"][1] < place["1"][1]
    assert place["5"][0] > place["30"][0] == place["1"][0]
    tones = [g.get("class", "") for g in drawn(svg).iter(f"{SVG}g") if g.get("fill") == "currentColor"]
    assert sorted(tones) == ["cg-error"] * 2 + ["cg-right"] * 3
    assert {"true ↓", "predicted →", "cat", "dog", "owl"} <= set(texts(svg))


def test_the_sentence_says_what_the_matrix_shows() -> None:
    """Who does not see the picture reads the number of errors and the commonest one."""
    shown = next(one for one in training.of_part(samples.part_trained(3)) if one.title == "Confusion matrix")
    counts = np.array(samples.record(3)["confusion"])
    errors = counts - np.diag(np.diag(counts))
    assert shown.said == f"Errs on {errors.sum()} of 360; most often 8 read as 1 ({errors.max()} times)."
    assert shown.said in unescape(shown.svg)
    assert training.confused([[3, 0], [0, 4]], ["a", "b"]) == "Errs on none of 7."


def test_a_hundred_classes_are_a_picture() -> None:
    """10,000 cells as elements would stop a browser, and no count could be read."""
    counts = [[9 if i == j else 1 for j in range(100)] for i in range(100)]
    svg = figures.confusion(counts, [f"class {n}" for n in range(100)], "said")
    assert len(svg) < 10_000
    assert pixels(svg).shape == (100, 100, 2)
    assert pixels(svg)[3, 3, 1] > pixels(svg)[3, 4, 1] > 0


def test_filters_share_one_scale_with_zero_in_its_middle() -> None:
    """A scale for each filter would make the weakest look as strong as the strongest."""
    svg = figures.filters([[[0.5, 0.0]], [[-0.25, float("nan")]]], "Filters", "said")
    grey = pixels(svg)
    assert grey.shape == (1, 5, 2)
    assert grey[0, :, 1].tolist() == [255, 255, 0, 255, 0]
    assert grey[0, [0, 1, 3], 0].tolist() == [255, 128, 64]
    assert {"−0.5", "0.5"} <= set(texts(svg))


def test_maps_stand_side_by_side_as_they_are() -> None:
    """Turned or mirrored maps would not fit the example beside them."""
    grey = pixels(figures.maps([[[0, 10], [20, 30]], [[40, 50], [60, 255]]], "Maps", "said"))
    assert grey[:, :, 0].tolist() == [[0, 10, 128, 40, 50], [20, 30, 128, 60, 255]]
    assert [set(grey[:, column, 1]) for column in range(5)] == [{255}, {255}, {160}, {255}, {255}]


def test_dead_maps_are_counted() -> None:
    """A map that is the same everywhere is a filter that sees nothing: easily overlooked, so it is said."""
    said = {one.title: one.said for one in training.of_part(samples.part_trained(0))}
    assert said["Its maps, convolution"] == "25 maps of 20 × 20; 2 of them the same everywhere."


def test_filters_of_zeros_are_grey() -> None:
    """Weights that never left zero divide nothing by zero."""
    assert set(pixels(figures.filters([[[0.0, 0.0]]], "f", ""))[0, :, 0]) == {128}


def test_the_accuracy_is_one_line_with_its_interval() -> None:
    """The number alone says more than it knows."""
    one = samples.part_trained(0)
    said = "348 of 360 held-out examples right, 96.7 % (95 % interval 94.2 % to 98.7 %), 327 needed"
    assert training.accuracy(one) == said
    assert training.accuracy(samples.part_trained(1)).endswith("327 needed, best of 2 trainings")
    assert training.error_rate(one) == (
        "A right submission falls below that in at most 0.07 % of all cases, with 99 % confidence."
    )
    assert said in plain_terminal(Gradebook("c", (StudentResult("ada", (one,)),)), 120, details=True)
    bare = part("m", kind="model", record={"accuracy": {"right": 0, "of": 5, "error_rate": 0.1}})
    assert training.accuracy(bare) == "0 of 5 held-out examples right, 0.0 %"
    assert training.error_rate(bare) == ""


def test_what_the_message_says_is_not_said_twice(tmp_path: Path) -> None:
    """The sentence of a check that failed has the numbers in it; where feedback hides it, the line takes its place."""
    one = replace(samples.part_trained(3), message="245 of 360 unseen examples are read rightly; wanted at least 327")
    for message, times in ((one.message, 1), ("not so: accuracy", 1)):
        book = Gradebook("c", (StudentResult("ada", (replace(one, message=message),)),))
        assert plain_terminal(book, 120, details=True).count("245 of 360") == times
        assert Page(pages(book, tmp_path)["students/ada.html"]).text.count("245 of 360") == times


# In the report ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pages(samples.trained(20), tmp_path_factory.mktemp("trained"))


def test_the_class_has_curves_and_each_student_the_rest(trained: dict[str, str]) -> None:
    """What the issue of the day is for an instructor is the class; for a student, their own model."""
    assert trained["index.html"].count("<svg") == 2
    text = trained["students/Barbara.html"]
    assert text.count("<svg") == 7
    page = Page(text)
    for words in ("Errs on 115 of 360", "yours 35.2", "25 filters of 9 × 9", "A held-out example", "Its maps, pooling"):
        assert words in page.text
    assert "245 of 360 held-out examples right" in page.text


def test_pages_stay_small(trained: dict[str, str]) -> None:
    """A class of 300 is 300 such pages, and each is sent by mail."""
    assert max(len(text.encode()) for name, text in trained.items() if name != "index.html") < 64_000
    assert len(trained["index.html"].encode()) < 120_000


def test_figures_are_made_again_from_the_document_alone(trained: dict[str, str], tmp_path: Path) -> None:
    """`grader report` draws the same pictures without training anything again."""
    (tmp_path / "report.json").write_text(document.dumps(samples.trained(20)))
    assert pages(document.read(tmp_path / "report.json"), tmp_path) == trained


def test_figures_are_the_same_whatever_the_user_has_set(trained: dict[str, str], tmp_path: Path) -> None:
    """Reports are compared: another process, other hashes and a matplotlibrc of one's own must not change a byte."""
    (tmp_path / "matplotlibrc").write_text(
        "lines.marker: o\nlines.linestyle: --\nsvg.fonttype: path\nsavefig.bbox: tight\npath.sketch: 3, 30, 1\n"
        "path.simplify: True\nfigure.facecolor: red\npatch.linewidth: 9\nhatch.linewidth: 3\nsvg.image_inline: False\n"
    )
    code = (
        "import sys, pathlib\nfrom grader.report import html\nfrom tests import report_samples\n"
        "html.write(report_samples.trained(20), pathlib.Path(sys.argv[1]))"
    )
    more = {"MPLCONFIGDIR": str(tmp_path), "PYTHONHASHSEED": "7"}
    python([code, str(tmp_path / "out")], more)
    for name, text in trained.items():
        again = (tmp_path / "out" / name).read_text()
        assert hashlib.sha256(again.encode()).hexdigest() == hashlib.sha256(text.encode()).hexdigest(), name


def python(words: list[str], more: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, **(more or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_matplotlib_the_report_is_whole_and_says_how_to_get_pictures(tmp_path: Path) -> None:
    """The core installs without it; the numbers must be there all the same, and students are not told to install."""
    code = (
        "import sys, pathlib\nsys.modules['matplotlib'] = None\nfrom grader.report import html\n"
        "from tests import report_samples as samples\n"
        "html.write(samples.trained(3), pathlib.Path(sys.argv[1]))\n"
        "html.write(samples.gradebook(), pathlib.Path(sys.argv[1], 'plain'))"
    )
    python([code, str(tmp_path)])
    index, student = (tmp_path / "index.html").read_text(), (tmp_path / "students/Ada.html").read_text()
    assert "<svg" not in index + student
    assert 'pip install "convgrader[models]"' in Page(index).text
    assert "median of 3 students" in Page(index).text
    assert "convgrader[models]" not in student
    assert "Errs on 12 of 360" in Page(student).text
    assert "convgrader[models]" not in (tmp_path / "plain/index.html").read_text()


def test_matplotlib_is_loaded_only_for_a_model(tmp_path: Path) -> None:
    """It takes a second to load, and most courses train nothing."""
    code = (
        "import sys, pathlib\nfrom grader.report import formats\nfrom tests import report_samples\n"
        "formats.write(report_samples.gradebook(), pathlib.Path(sys.argv[1]))\nprint('matplotlib' in sys.modules)"
    )
    assert python([code, str(tmp_path)]) == "False\n"


@pytest.mark.parametrize("key", [key for key in samples.record() if key not in ("classes", "accuracy")])
def test_a_part_of_a_record_shows_what_there_is(key: str, tmp_path: Path) -> None:
    """A training that ran out of time leaves a part: what is there is shown, and nothing is said of the rest."""
    rec = {key: samples.record()[key]}
    written = pages(model(rec), tmp_path)
    shown = training.of_part(model(rec).students[0].parts[0])
    assert shown
    assert written["students/ada.html"].count("<svg") == len(shown)
    for one in shown:
        drawn(one.svg)
        assert one.said
        assert "None" not in one.said


def test_classes_alone_are_nothing_to_see(tmp_path: Path) -> None:
    """An empty frame with a heading would be a promise not kept."""
    text = pages(model({"classes": ["a", "b"]}), tmp_path)["students/ada.html"]
    assert "<figure" not in text
    assert "<details" not in text


def test_what_could_not_be_graded_shows_what_there_is(tmp_path: Path) -> None:
    """The machine failed after some epochs: the curve until then is still the student's."""
    lost = part("m", Outcome.UNGRADABLE, 0, "the machine failed", kind="model", record=samples.record())
    text = pages(Gradebook("c", (StudentResult("ada", (lost,)),)), tmp_path)["students/ada.html"]
    assert text.count("<svg") == 7


EVIL = [*samples.EVIL, r"$\frac{$", "_hidden", "a" * 200, "李雷 🙂", "x & y"]


@pytest.mark.parametrize("text", EVIL)
def test_hostile_names_are_text_in_a_figure(text: str) -> None:
    """A name is put into XML, and matplotlib would take some for formulas, and others for nothing."""
    runs = {text: [0.5, 0.2], "": [0.4, 0.1]}
    for svg in (
        figures.learning(text, runs, runs, text),
        figures.class_learning(text, [(text, runs)], runs, text),
        figures.confusion([[1, 2], [3, 4]], [text, text], text),
        figures.filters([[[1.0]]], text, text),
        figures.maps([[[1]]], text, text),
    ):
        root = drawn(svg)
        assert not set(svg) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028", "\ufffe", "\ud800"}
        assert root.get("aria-label", "").endswith(one_line(text))
        assert (root.findtext(f"{SVG}desc") or "") == root.get("aria-label")


def test_a_name_is_on_its_line_letter_by_letter() -> None:
    """Escaped once, not twice, and not as a formula."""
    svg = figures.class_learning("e", [("<b>$x$ & Zoë", {"": [0.5, 0.2]})], {}, "")
    assert [element.text for element in drawn(svg).iter(f"{SVG}title")] == ["<b>$x$ & Zoë"]

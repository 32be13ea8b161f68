"""Drawings: the picture of a failing case shows the right cells, and nothing in it can act."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from grader.drawing import CELL, RULER, axis, boxes, failing_case, grid
from tests import report_samples as samples

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str, style: str = "") -> list[str]:
    """Return the texts of a drawing in order, of one class where it is named."""
    elements = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [element.text or "" for element in elements if style in element.get("class", "")]


def frame(svg: str, style: str) -> tuple[float, ...]:
    """Return x, y, width and height of the outline of a class."""
    (element,) = (e for e in ElementTree.fromstring(svg).iter(f"{SVG}rect") if e.get("class") == style)
    return tuple(float(element.get(name, "")) for name in ("x", "y", "width", "height"))


def test_every_number_of_a_small_grid_is_shown() -> None:
    """A picture that drops a number would teach a wrong sum."""
    assert texts(grid(((1, 2.5), (-3, "nan")))) == ["1", "2.5", "−3", "NaN"]


def test_the_window_encloses_its_cells() -> None:
    """The outline is what tells the student where to look."""
    assert frame(grid([[0] * 5] * 4, window=(1, 2, 2, 3)), "cg-window") == (2 * CELL, CELL, 3 * CELL, 2 * CELL)


def test_without_a_window_nothing_is_outlined() -> None:
    """An outline around nothing would be read as one."""
    assert "cg-window" not in grid([[1, 2]])


@pytest.mark.parametrize(("padding", "lighter"), [(0, 0), (1, 16), ((1, 0), 10), ((0, 1), 8)])
def test_padding_is_lighter_than_pixels(padding: int | tuple[int, int], lighter: int) -> None:
    """Padding and pixels of value zero look alike otherwise."""
    rows = [[0] * 5] * 4 if padding != 1 else [[0] * 5] * 5
    assert len(texts(grid(rows, padding=padding), "cg-pad")) == lighter


def test_a_large_plane_is_cut_around_the_window() -> None:
    """A plane of 224 pixels would fill ten screens; the window must be in what is left."""
    rows = [[100 * r + c for c in range(80)] for r in range(80)]
    shown = texts(grid(rows, window=(50, 60, 3, 3)))
    assert {str(100 * r + c) for r in (50, 51, 52) for c in (60, 61, 62)} <= set(shown)
    assert {"…", "⋮", "⋱"} <= set(shown)
    assert len(shown) <= 11 * 11


def test_a_window_larger_than_the_drawing_is_shortened_inside() -> None:
    """AlexNet's 11 by 11 windows still have their first and last numbers shown."""
    shown = texts(grid([list(range(40))] * 3, window=(0, 10, 3, 20)))
    assert "10" in shown
    assert "29" in shown
    assert "28" not in shown


def test_a_failing_convolution_shows_window_kernel_got_and_want() -> None:
    """These four are what a student needs to find the mistake by hand."""
    svg = failing_case(samples.CONV)
    captions = texts(svg, "cg-caption")
    assert captions == ["channel 0", "kernel", "got[0, 0]", "want[0, 0]"]
    assert texts(svg, "cg-marked") == ["4", "−7"]
    assert " ".join(texts(svg, "cg-sentence")) == samples.CONV_WINDOW.sentence
    width = frame(svg, "cg-window")[2] / 2
    assert frame(svg, "cg-window") == (0, 2 * CELL, 2 * width, 2 * CELL)


def test_a_failing_pooling_case_has_no_kernel() -> None:
    """Pooling has no weights; an empty kernel would puzzle."""
    assert texts(failing_case(samples.POOL), "cg-caption") == ["channel 0", "got[0, 0]", "want[0, 0]"]


def test_a_case_without_a_window_draws_its_maps_alone() -> None:
    """im2col and gradients have no window to show, but a wrong entry all the same."""
    case = replace(samples.CONV, window=None)
    assert texts(failing_case(case), "cg-caption") == ["got[0, 0]", "want[0, 0]"]


@pytest.mark.parametrize(
    ("got", "want", "at"),
    [
        (3, 4, ()),
        ([[1.0]], [[1.0, 2.0]], (0, 1)),
        ([[1.0], []], [[1.0], [2.0]], (1, 0)),
        ("a list", [1.0], (0,)),
        (None, [1.0], (0,)),
    ],
)
def test_nothing_is_drawn_where_there_is_no_map(got: Any, want: Any, at: tuple[int, ...]) -> None:
    """A number, another shape or ragged rows have no entry to mark: the words tell it."""
    assert failing_case(replace(samples.SIZE, got=got, want=want, at=at)) == ""


def test_an_entry_of_one_of_several_results_is_marked() -> None:
    """A gradient returns (dx, dw, db): the first index tells which of them."""
    case = replace(samples.SIZE, got=[[[1.0, 2.0]], [3.0, 4.0]], want=[[[1.0, 2.0]], [3.0, 5.0]], at=(1, 1))
    svg = failing_case(case)
    assert svg == "" or texts(svg, "cg-marked") == ["4", "5"]


def test_entries_that_differ_late_are_told_apart() -> None:
    """Got 0.3333, want 0.3333 would be a riddle: a lost digit is what float32 is refused for."""
    case = replace(samples.CONV, got=[[[[1 / 3]]]], want=[[[[1 / 3 + 1e-8]]]], at=(0, 0, 0, 0))
    got, want = texts(failing_case(case), "cg-marked")
    assert (got, want) == ("0.333333333", "0.333333343")


def test_many_channels_are_counted_and_not_drawn() -> None:
    """512 channels would be a page of planes; the sentence has the sum."""
    pane = samples.CONV_WINDOW.panes[0]
    window = {"panes": [vars(pane)] * 12, "sentence": "s"}
    shown = texts(failing_case(replace(samples.CONV, window=window)))
    assert shown.count("channel 0") == 3
    assert "… and 9 more" in shown


@pytest.mark.parametrize("evil", samples.EVIL)
def test_student_text_in_a_drawing_is_text(evil: str) -> None:
    """Drawings are put into pages unescaped, so they must escape everything themselves."""
    example = samples.hostile().students[samples.EVIL.index(evil)].parts[0].counterexample
    assert example is not None
    svg = failing_case(example)
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "title", "desc", "g", "rect", "text"}
    assert not re.search(r"[\x00-\x08\x1b\u202e\ud800]", svg)
    assert grid([[evil]], caption=evil, alt=evil).isprintable()


def test_a_drawing_names_itself_for_those_who_do_not_see_it() -> None:
    """A picture without a text is nothing to a screen reader."""
    root = ElementTree.fromstring(failing_case(samples.CONV))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "The entry [0, 0, 1, 0] of the result"
    assert (root.findtext(f"{SVG}desc") or "").endswith("Got 4.0, want -7.0.")


def test_long_numbers_make_fewer_columns_and_not_a_wider_page() -> None:
    """On a phone a picture of 900 pixels is shrunk until no number can be read."""
    rows = [[-(1000 * r + c) / 7 for c in range(30)] for r in range(30)]
    case = replace(samples.CONV, got=[[rows]], want=[[[[0.0] * 30 for _ in rows]]], at=(0, 0, 20, 20), window=None)
    svg = failing_case(case)
    assert float(ElementTree.fromstring(svg).get("width", "")) <= 480
    assert "−2860" in texts(svg, "cg-marked")


def test_more_rows_are_shown_where_a_sheet_asks_for_them() -> None:
    """A sheet's numbers are for working with: none may be left out of a picture that stands for the table."""
    rows = [[0.5] * 12] * 12
    assert texts(grid(rows, most=14)) == ["0.5"] * 144
    assert "⋮" in texts(grid(rows))


def test_an_axis_is_to_scale() -> None:
    """A reader measures with a finger: the last position starts where it really starts."""
    svg = axis(40, padding=2, stands={"first": range(0, 5, 2), "last": range(38, 43, 2)}, caption="Width")
    cell = RULER / 44
    assert texts(svg, "cg-index") == ["2", "2", "40"]
    assert texts(svg, "cg-caption") == ["Width", "first", "last"]
    bars = [e for e in ElementTree.fromstring(svg).iter(f"{SVG}rect") if e.get("class") == "cg-window"]
    assert [float(bar.get("x", "")) for bar in bars] == [0, pytest.approx(38 * cell, abs=0.01)]
    assert [float(bar.get("width", "")) for bar in bars] == [pytest.approx(5 * cell, abs=0.01)] * 2


def test_an_axis_shows_which_cells_are_skipped() -> None:
    """A dilated kernel that was drawn solid would teach that it looks at every pixel."""
    solid, dilated = (axis(9, stands={"first": at}) for at in (range(5), range(0, 5, 2)))
    counts = [sum((e.get("d") or "").count("z") for e in ElementTree.fromstring(s).iter()) for s in (solid, dilated)]
    assert counts == [5, 3]


def test_boxes_stand_in_order_with_their_texts() -> None:
    """A network is read from left to right: what each box is stands above it, its size below."""
    svg = boxes([((3, 8, 8), "image", "3 × 8 × 8"), ((16, 4, 4), "conv", "16 × ? × ?"), ((10,), "dense", "10 units")])
    assert texts(svg) == ["image", "3 × 8 × 8", "conv", "16 × ? × ?", "dense", "10 units"]
    assert "<title>image → conv → dense</title>" in svg


def test_many_boxes_go_on_below() -> None:
    """Twenty layers in one line would be too small to read in print."""
    items = [((4, 9, 9), f"layer {n}", "4 × 9 × 9") for n in range(12)]
    root = ElementTree.fromstring(boxes(items))
    assert float(root.get("width", "")) < 500
    assert float(root.get("height", "")) > 300


def test_texts_of_pictures_cannot_act() -> None:
    """Names come from a course's texts; a bracket in one is no element."""
    for svg in (axis(4, stands={"<b>": range(2)}, caption="<i>"), boxes([((1, 2, 3), "<b>", "<script>")])):
        assert {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(svg).iter()} <= {
            "svg", "title", "desc", "g", "rect", "path", "text"
        }  # fmt: skip


def test_a_phone_need_not_shrink_axes_and_boxes() -> None:
    """A drawing of 460 pixels with numbers of 10 is unreadable on a page of 350: long texts go on below instead."""
    long = axis(
        99, padding=6, stands={"last": range(100, 111)}, caption="The height, to scale: " + "every position " * 5
    )
    row = boxes([((9, 9, 9), "2 max pooling", "2 × 2 window"), *[((9,), "8 fully connected", "9 units")] * 8])
    for svg in (long, row):
        assert float(ElementTree.fromstring(svg).get("width", "")) <= 390
    assert " ".join(texts(long, "cg-caption")[:-1]).count("every position") == 5
    assert texts(row)[2:5] == ["8 fully", "connected", "9 units"]


def test_labels_stand_close_to_boxes_of_their_own_line() -> None:
    """A line of small boxes that had the room of the largest volume would leave its labels floating between lines."""
    small, large, tall = ((1,), "dense", "1"), ((9, 99, 99), "convolution", "9 × 99 × 99"), ((999,), "flatten", "999")
    first = [large, large, tall]
    alone, both = (float(ElementTree.fromstring(boxes(i)).get("height", "")) for i in (first, first + [small] * 4))
    assert both - alone < 0.6 * alone

"""Pages: self-contained, escaped, complete, and the same each time."""

from __future__ import annotations

import re
from html import unescape as html_text
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from grader.outcome import Finding, Gradebook, Outcome, PartResult, StudentResult
from grader.report import files, html, summary
from tests import report_samples as samples
from tests.report_samples import part

PROSE = {"b", "i", "bdi", "a", "span", "code", "strong", "em"}
BLOCKS = {
    "h1",
    "h2",
    "h3",
    "p",
    "br",
    "ol",
    "li",
    "pre",
    "figure",
    "details",
    "summary",
    "input",
    "label",
    "figcaption",
}
TABLES = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
FRAME = {"html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "div"}
DRAWN = {"svg", "desc", "g", "rect", "path", "image", "text", "math", "mi", "mn", "mo", "mrow", "mfrac", "mtext"}
TAGS = PROSE | BLOCKS | TABLES | FRAME | DRAWN


class Page(HTMLParser):
    """Collects the elements of a page and its text, and refuses what could act."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        if tag not in PROSE:
            self.words.append(" ")
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"src", "srcset", "action", "formaction", "xlink:href", "data", "ping"}, name
            if tag == "image" and name == "href":
                assert re.fullmatch(r"data:image/png;base64,[\w+/]+=*", value or ""), value
            elif name == "href":
                self.links.append(value or "")
            if name == "style":
                assert re.fullmatch(r"(--share: \d+(\.\d+)?%?|width: \d+%|margin-top: 0)", value or ""), value
            if name == "id":
                self.ids.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def pages(gradebook: Gradebook, folder: Path) -> dict[str, str]:
    """Return the pages of a gradebook by their path in the folder."""
    return {str(path.relative_to(folder)): path.read_text() for path in html.write(gradebook, folder)}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pages(samples.gradebook(), tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pages(samples.hostile(), tmp_path_factory.mktemp("bad"))


def test_every_student_has_a_page_and_every_link_leads_there(good: dict[str, str], bad: dict[str, str]) -> None:
    """Names become paths: each link of the class's page must lead to a page that was written."""
    for written, students in ((good, samples.gradebook().students), (bad, samples.hostile().students)):
        assert len(written) == len(students) + 1
        links = {unquote(link) for link in Page(written["index.html"]).links if not link.startswith("#")}
        assert all(link.isascii() and " " not in link for link in Page(written["index.html"]).links)
        assert links == set(written) - {"index.html"}


def test_a_page_needs_nothing_but_itself(good: dict[str, str], bad: dict[str, str]) -> None:
    """A student's page is sent by mail: no script, no picture, no font, no link leads out of it."""
    for name, text in (good | {f"bad {name}": text for name, text in bad.items()}).items():
        page = Page(text)
        inside = ("#",) if "students/" in name else ("#", "students/")
        assert all(link.startswith(inside) for link in page.links), name
        assert all(link[1:] in page.ids for link in page.links if link.startswith("#")), name
        assert "default-src 'none'" in text
        assert "url(" not in text
        assert "@import" not in text


def test_no_sentence_is_as_wide_as_a_table(good: dict[str, str]) -> None:
    """On a phone a table scrolls sideways: what explains it must not go with it."""
    page = good["index.html"]
    tables = re.findall(r'<div class="scroll">(.*?)</div>', page, re.DOTALL)
    explained = re.findall(r'<p id="(\w+)" class="soft small">([^<]+)</p>', page)
    assert [(name, html_text(said)) for name, said in explained] == [("how", summary.HOW)]
    assert [f'aria-describedby="{name}"' in tables[-1] for name, _ in explained] == [True]
    assert not any("caption" in table or explained[0][1] in table for table in tables)


def test_hostile_text_is_shown_as_text(bad: dict[str, str]) -> None:
    """What a student hands in must not run in the instructor's browser, nor hide what stands there."""
    for text in bad.values():
        Page(text)
        assert not set(text) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028", "\ufffe"}
    everything = " ".join(Page(text).text for text in bad.values())
    assert "<script>alert(1)</script>" in everything
    assert "{{ 7 * 7 }}{% raw %}" in everything
    assert r"abc\u202egnp.exe" in everything
    assert r"\x1b[31mred" in everything


def test_hints_are_the_only_markup(tmp_path: Path) -> None:
    """Hints are the course's Markdown; a message may quote the student and stays as it is, and HTML is off in both."""
    finding = Finding("f", "use **s**, then $p^2$ and rows i*sh, columns j*sw <img src=x>")
    wrong = part("p", Outcome.WRONG, 0, "you wrote **x** and $y$", misconceptions=(finding,))
    text = pages(Gradebook("c", (StudentResult("ada", (wrong,)),)), tmp_path)["students/ada.html"]
    assert "<strong>s</strong>" in text
    assert "<msup>" in text
    assert "i*sh, columns j*sw &lt;img src=x&gt;" in text
    assert "you wrote **x** and $y$" in text


def test_a_student_reads_what_happened_and_what_to_do(good: dict[str, str]) -> None:
    """Marks alone teach nothing: the hint, the case, got and want, and the next step must be there."""
    page = Page(good["students/grace.html"])
    for sentence in (
        "0.67 of 3 marks",
        "What to do next",
        "this is still to do.",
        "Line 7: 12 pixels is not right",
        "You padded one side only",
        "The smallest case found, where the stride does not divide",
        "The entry [0, 0, 1, 0] is 4.0, and should be -7.0.",
        "the stride does not divide 0 of 31",
        "Where it is right (2)",
    ):
        assert sentence in page.text, sentence
    assert samples.CONV.call in page.text
    assert good["students/grace.html"].count("<svg") == 1


def test_a_case_without_a_picture_is_told_in_words(good: dict[str, str]) -> None:
    """output_size has nothing to draw; the call and both numbers are what the student gets."""
    text = good["students/Zoë.html"]
    assert "<svg" not in text
    assert "output_size(7, 3, stride=2, padding=1) Got 3 Wanted 4" in Page(text).text


def test_of_a_model_it_is_said_what_was_looked_at(tmp_path: Path) -> None:
    """A model has no inputs of several kinds; "cases where the weights after each step" is no sentence."""
    seen = {"the weights after each step": (0, 1), "the order": (1, 1), "the seed": (1, 1)}
    hint = (Finding("no-zero-grad", "Forget the old gradients."),)
    parts = (
        part("train", Outcome.PARTIAL, 0, "others", kind="model", regimes=seen, misconceptions=hint),
        part("build", Outcome.WRONG, 0, "another size", kind="model", regimes=seen),
    )
    text = Page(pages(Gradebook("c", (StudentResult("ada", parts),)), tmp_path)["students/ada.html"]).text
    assert "read the hint, and try it on your model." in text
    assert "change what is said to differ, and try it again." in text
    assert "what was looked at right the weights after each step 0 of 1" in text
    assert "What is right (2)" in text
    assert "cases" not in text


def test_of_several_hints_one_is_the_students(tmp_path: Path) -> None:
    """Two mistakes may give one answer: who reads both as true of the same work believes neither."""
    hints = (Finding("eps-inside", "You added it under the root."), Finding("eps-forgotten", "You left it out."))
    for found, kind, told in ((hints, "answer", True), (hints[:1], "answer", False), (hints, "model", False)):
        step = part("step", Outcome.WRONG, 0, "not right", kind=kind, misconceptions=found)
        page = pages(Gradebook("c", (StudentResult("ada", (step,)),)), tmp_path)["students/ada.html"]
        assert ("one of the hints is for you" in page) is told


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    """A file with a mistyped VARIANT has one problem, however many parts it has; an answer needs quoting once."""
    why = "padding.py: VARIANT was mistyped"
    blocked = [part(name, Outcome.MISSING, 0, f"nothing could be graded: {why}") for name in "abc"]
    work = [part("d", Outcome.UNGRADABLE, 0, "it needs the key"), part("e", Outcome.UNGRADABLE, 0, "it needs the key")]
    work += [
        part("f", Outcome.WRONG, 0, "(4, 2) is not right", got="(4, 2)"),
        part("g", Outcome.WRONG, 0, "no", got="7"),
    ]
    made = pages(Gradebook("c", (StudentResult("ada", (*blocked, *work), (why,)),)), tmp_path)
    page = Page(made["students/ada.html"]).text
    assert page.count(f"nothing could be graded: {why}") == 1
    assert page.count("it needs the key") == page.count("This is not your fault") == 1
    assert "You handed in (4, 2)" not in page
    assert "You handed in 7" in page
    assert Page(made["index.html"]).text.count("it needs the key") == 1


def test_a_problem_with_one_file_hides_no_work_on_another(tmp_path: Path) -> None:
    """Who left out an answer must be told so, even where another of their files has a syntax error."""
    why = "padding.py: line 3: not Python"
    parts = (
        part("a", Outcome.MISSING, 0, f"nothing could be graded: {why}"),
        part("b", Outcome.MISSING, 0, "no answer"),
    )
    page = Page(pages(Gradebook("c", (StudentResult("ada", parts, (why,)),)), tmp_path)["students/ada.html"]).text
    assert "padding, b: this is still to do." in page
    assert "padding, a: this" not in page


def test_full_marks_leave_nothing_to_do(good: dict[str, str]) -> None:
    """A list of next steps under full marks would be an insult."""
    text = Page(good["students/ada.html"]).text
    assert "Everything is right." in text
    assert "What to do next" not in text


def test_an_unreadable_file_is_no_full_mark(good: dict[str, str]) -> None:
    """0 of 0 marks is not 100 percent, and not a division by zero."""
    text = Page(good["students/donald.html"]).text
    assert "not Python: line 3" in text
    assert "0 marks" in text
    assert "0 of 0" not in text
    assert "Everything" not in text
    assert "hand them in again" in text


def test_what_could_not_be_graded_costs_nothing(good: dict[str, str]) -> None:
    """The student must read that it was not their fault, and the instructor that it is to be done again."""
    text = Page(good["students/alan.html"]).text
    assert "1 of 1 marks, 100 %" in text
    assert "This is not your fault" in text
    assert "Everything that could be graded is right." in text
    assert "alan: convolution, conv2d: the worker could not be started" in Page(good["index.html"]).text


def test_nothing_graded_is_not_zero(tmp_path: Path) -> None:
    """Without a gradable part there is no share to show, and none to average."""
    book = Gradebook("c", (StudentResult("ada", (part("p", Outcome.UNGRADABLE, 0, "no worker"),)),))
    written = pages(book, tmp_path)
    assert "Nothing could be graded." in Page(written["students/ada.html"]).text
    assert 'class="bar' not in written["students/ada.html"]
    assert summary.summarise(book).mean is None


def test_the_same_gradebook_gives_the_same_pages(good: dict[str, str], tmp_path: Path) -> None:
    """Pages are compared between runs to see what has changed."""
    assert pages(samples.gradebook(), tmp_path) == good


def test_a_course_brings_its_own_templates(tmp_path: Path) -> None:
    """A university has its own page: the course's templates come first, the built-in ones fill the rest."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/report_student.html.j2").write_text("Dear {{ student.student }}")
    found = html.write(samples.gradebook(), tmp_path / "out", [tmp_path / "templates", Path("templates").resolve()])
    assert found[1].read_text() == "Dear ada"
    assert found[0].read_text().startswith("<!DOCTYPE html>")


def test_where_writing_is_cut_short_no_link_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second Ctrl-C ends everything at once: what is there by then can be opened."""
    whole = files.write_text

    def cut_short(path: Path, text: str) -> Path:
        if path.stem == "bo" or (tmp_path / "index.html").exists():
            raise KeyboardInterrupt
        return whole(path, text)

    book = Gradebook("c", tuple(StudentResult(name, (part("f"),)) for name in ("ada", "bo", "cy")))
    monkeypatch.setattr(files, "write_text", cut_short)
    with pytest.raises(KeyboardInterrupt):
        html.write(book, tmp_path)
    assert [path.name for path in tmp_path.rglob("*.html")] == ["ada.html"]


def test_pages_of_students_who_left_are_removed(tmp_path: Path) -> None:
    """Else the folder that goes to the class holds a mark that nobody has any more."""

    def write(*names: str, interrupted: bool = False) -> set[str]:
        students = (StudentResult(name, (), ("nothing was handed in",)) for name in names)
        html.write(Gradebook("c", tuple(students), interrupted=interrupted), tmp_path)
        return {path.name for path in (tmp_path / "students").iterdir()}

    assert write("ada", "bo", "Zoë") == {"ada.html", "bo.html", "Zoë.html"}
    (tmp_path / "students/notes.html").write_text("<p>mine</p>")
    (tmp_path / "students/link.html").symlink_to(tmp_path / "students/bo.html")
    assert write("ada", interrupted=True) == {"ada.html", "bo.html", "Zoë.html", "notes.html", "link.html"}
    (tmp_path / "students/ada.html").rename(tmp_path / "students/Ada.html")  # as a system may that takes both for one
    assert write("ada", "Zoë") == {"Ada.html", "ada.html", "Zoë.html", "notes.html", "link.html"}
    assert write("Zoë") == {"Zoë.html", "notes.html", "link.html"}


def test_an_empty_class_has_a_page(tmp_path: Path) -> None:
    """An interrupted run may have graded nobody; the report says so and does not divide by it."""
    text = Page(pages(Gradebook("c", (), interrupted=True), tmp_path)["index.html"]).text
    assert "0 students" in text
    assert "interrupted" in text


# The numbers of the class ----------------------------------------------------------------------------------


def _class_of(scores: list[tuple[int, int]]) -> Gradebook:
    def one(name: str, right: int) -> PartResult:
        return part(name) if right else part(name, Outcome.WRONG, 0, "wrong")

    students = [StudentResult(f"s{n}", (one("a", a), one("b", b))) for n, (a, b) in enumerate(scores)]
    return Gradebook("c", tuple(students))


def test_facility_is_the_mean_share() -> None:
    """Instructors judge a question by it."""
    parts = summary.summarise(_class_of([(1, 0), (1, 0), (1, 1), (0, 1)])).parts
    assert [p.facility for p in parts] == [0.75, 0.5]
    assert [p.discrimination for p in parts] == [None, None]


def test_discrimination_is_the_correlation_with_the_rest() -> None:
    """A part that only the others fail correlates with -1, one like the rest with 1; too few students tell nothing."""
    agree = summary.summarise(_class_of([(1, 1), (0, 0)] * 5)).parts
    oppose = summary.summarise(_class_of([(1, 0), (0, 1)] * 5)).parts
    assert [p.discrimination for p in agree] == pytest.approx([1.0, 1.0])
    assert [p.discrimination for p in oppose] == pytest.approx([-1.0, -1.0])
    assert summary.summarise(_class_of([(1, 1)] * 10)).parts[0].discrimination is None


def test_the_commonest_misconception_counts_students_and_not_parts() -> None:
    """One student with the same mistake in ten parts is one student to talk to."""

    def having(name: str, times: int) -> StudentResult:
        finding = Finding(name, "hint")
        return StudentResult(
            f"{name}{times}",
            tuple(part(f"p{n}", Outcome.WRONG, 0, "no", misconceptions=(finding,)) for n in range(times)),
        )

    found = summary.summarise(
        Gradebook("c", (having("rare", 9), having("common", 1), having("common", 2)))
    ).misconceptions
    assert [(c.name, c.students) for c in found] == [("common", 2), ("rare", 1)]


def test_every_student_is_in_one_bin() -> None:
    """Full marks belong to the last tenth, and zero to the first."""
    found = summary.summarise(samples.gradebook())
    assert found.bins == (4, 0, 2, 0, 0, 0, 0, 0, 0, 2)
    assert (found.students, found.full) == (8, 1)


def test_an_answer_of_another_form_is_to_be_written_anew(tmp_path: Path) -> None:
    """Nobody who forgot the quotes works out the same numbers again."""
    parts = (
        part("a", Outcome.WRONG, 0, "expected a number, got the text 'no'"),
        part("b", Outcome.WRONG, 0, "5 is not right"),
        part("c", Outcome.WRONG, 0, "expected nothing of the kind", kind="function"),
    )
    steps = Page(pages(Gradebook("c", (StudentResult("ada", parts),)), tmp_path)["students/ada.html"]).text
    assert "a: write it in the form that is asked for. " in steps
    assert steps.count("work it out again") == 2


def test_what_is_missing_because_of_a_file_is_one_thing_to_do(tmp_path: Path) -> None:
    """Ten steps that all mean the same missing colon hide the one that matters."""
    unread = part("a", Outcome.MISSING, 0, "nothing could be graded: a.py: not Python")
    parts = (unread, part("b", Outcome.WRONG, 0, "no"))
    book = Gradebook("c", (StudentResult("ada", parts, problems=("a.py: not Python",)),))
    steps = Page(pages(book, tmp_path)["students/ada.html"]).text.partition("What to do next")[2]
    assert steps.startswith(
        " Correct what is said about your files above, and hand them in again. padding, b: work it out"
    )

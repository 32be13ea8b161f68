"""The gradebook as JUnit XML, for continuous integration: one suite a student, one test case a part."""

from __future__ import annotations

from xml.etree import ElementTree

from grader.outcome import Gradebook, Outcome, PartResult, StudentResult
from grader.report.text import WORDS, inert, marks, one_line


def dumps(gradebook: Gradebook) -> str:
    """Return the XML: not correct is a failure, not graded is an error, an unreadable file is a failure."""
    root = ElementTree.Element("testsuites", name=one_line(gradebook.course))
    for student in gradebook.students:
        suite = _suite(student)
        for warning in gradebook.warnings:
            ElementTree.SubElement(suite, "system-err").text = inert(warning)
        root.append(suite)
    _count(root)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(student: StudentResult) -> ElementTree.Element:
    name = one_line(student.student)
    suite = ElementTree.Element("testsuite", name=name)
    for part in student.parts:
        suite.append(_case(name, part))
    for number, problem in enumerate(student.problems, 1):
        case = ElementTree.SubElement(suite, "testcase", classname=f"{name}.files", name=f"file {number}")
        ElementTree.SubElement(case, "failure", type="unreadable", message=one_line(problem))
    _count(suite)
    return suite


def _case(student: str, part: PartResult) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=f"{student}.{one_line(part.topic)}", name=one_line(part.part))
    if part.outcome is Outcome.CORRECT:
        return case
    tag = "error" if part.outcome is Outcome.UNGRADABLE else "failure"
    problem = ElementTree.SubElement(case, tag, type=str(part.outcome), message=one_line(part.message))
    lines = [f"{WORDS[part.outcome]}, {marks(part.score)} of {marks(part.max_score)}", part.message]
    lines += [f"{finding.name}: {finding.hint}" for finding in part.misconceptions]
    if part.counterexample is not None and part.counterexample.call:
        lines.append(part.counterexample.call)
    problem.text = inert("\n".join(lines))
    return case


def _count(element: ElementTree.Element) -> None:
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(attribute, str(sum(1 for _ in element.iter(tag))))

"""What verifying lessons came to: in words, as JSON, as JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from codeexec.cli import messages as style
from codeexec.cli.lessons.verify import LessonReport, StepReport

_MARKS = {"passed": "✓", "failed": "✗", "not run": "·"}
_STYLES = {"passed": "good", "failed": "bad", "not run": "dim"}


def say_step(number: int, report: StepReport, name: str, color: bool) -> None:
    """A line for the step, and what is wrong with it."""
    mark = style.paint(_MARKS[report.status], _STYLES[report.status], color)
    title = report.step.title or f"line {report.step.line}"
    style.say(mark, f" {number}  {title}  {report.seconds:.2f} s")
    for failure in report.failures:
        style.say("     ", style.paint(f"{name}:{failure.line}", "accent", color))
        for line in failure.reason.split("\n"):
            sign = {"-": "bad", "+": "good", "@": "dim"}.get(line[:1], "")
            style.say("       ", style.paint(line, sign, color) if sign else line)


def summary(reports: Sequence[LessonReport]) -> str:
    steps = [step for report in reports for step in report.steps]
    counts = {status: sum(step.status == status for step in steps) for status in _MARKS}
    told = [f"{count} {status}" for status, count in counts.items() if count]
    return f"{len(steps)} step{'s' * (len(steps) != 1)}: {', '.join(told)}"


def as_json(reports: Iterable[LessonReport]) -> list[dict[str, object]]:
    return [
        {
            "lesson": report.lesson.name,
            "title": report.lesson.front.title,
            "passed": report.has_passed,
            "problem": report.problem,
            "steps": [
                {
                    "number": number,
                    "title": step.step.title,
                    "line": step.step.line,
                    "status": step.status,
                    "seconds": round(step.seconds, 4),
                    "failures": [
                        {"line": failure.line, "reason": failure.reason}
                        for failure in step.failures
                    ],
                }
                for number, step in enumerate(report.steps, 1)
            ],
        }
        for report in reports
    ]


def as_junit(reports: Sequence[LessonReport]) -> bytes:
    """A suite for each lesson and a case for each step, as CI systems read it:
    https://github.com/testmoapp/junitxml"""
    root = Element("testsuites", name="lessons")
    for report in reports:
        statuses = [step.status for step in report.steps]
        suite = SubElement(
            root,
            "testsuite",
            name=_xml(report.lesson.name),
            tests=str(len(statuses)),
            failures=str(statuses.count("failed")),
            skipped=str(statuses.count("not run")),
            errors=str(int(bool(report.problem))),
            time=f"{sum(step.seconds for step in report.steps):.3f}",
        )
        for number, step in enumerate(report.steps, 1):
            title = step.step.title or f"line {step.step.line}"
            case = SubElement(
                suite,
                "testcase",
                name=_xml(f"{number} {title}"),
                classname=_xml(report.lesson.name),
                file=_xml(report.lesson.name),
                line=str(step.step.line),
                time=f"{step.seconds:.3f}",
            )
            for failure in step.failures:
                first = _xml(f"line {failure.line}: {failure.reason.partition(chr(10))[0]}")
                SubElement(case, "failure", message=first).text = _xml(failure.reason)
            if step.status == "not run":
                SubElement(
                    case, "skipped", message=_xml(report.problem or "a step before it failed")
                )
        if report.problem:
            SubElement(suite, "system-err").text = _xml(report.problem)
    content: bytes = tostring(root, "utf-8", xml_declaration=True)
    return content + b"\n"


def _xml(text: str) -> str:
    """Without the characters that XML cannot have."""
    return "".join(
        sign if sign in "\n\t" or (sign.isprintable() and ord(sign) <= 0xFFFF) else " "
        for sign in text
    )

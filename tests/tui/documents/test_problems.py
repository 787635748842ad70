"""Problems: order and neighbours, marks that follow edits, dimming, fixes, counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.style import Style

from codeexec.config.paths import built_in_themes
from codeexec.domain.diagnostics import Diagnostic, DiagnosticNote, FixIt, SourceLocation
from codeexec.domain.errors import UsageError
from codeexec.domain.events import CellRef
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.documents.cells.problems import CellProblem, neighbour
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.documents.programs.plans import marks_of
from codeexec.tui.panes.editor.marks import LineDiagnostic, LineFix, Severity, by_line
from codeexec.tui.panes.editor.painting import Painter
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import NoSyntax
from codeexec.tui.panes.editor.text.text import Location
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme, find_theme
from codeexec.tui.workbench.programs.fixing import edits_of
from support.pane_app import PaneApp, until

CODE = "#include <string>\nint main() {\n  std::string text\n  return 0;\n}\n"


def step(*diagnostics: Diagnostic) -> StepResult:
    return StepResult("build", ("g++", "a.cpp"), 1, diagnostics=diagnostics)


def semicolon(file: str = "a.cpp") -> Diagnostic:
    fix = FixIt(SourceLocation(file, 3, 19, 3, 19), ";")
    note = DiagnosticNote(SourceLocation("lib.hpp", 7, 1), "required from here")
    return Diagnostic(
        SourceLocation(file, 3, 19),
        "error",
        "expected ‘;’",
        source="g++",
        notes=(note,),
        fixes=(fix,),
    )


async def opened(tmp_path: Path, pane: DocumentsPane) -> DocumentView:
    file = tmp_path / "a.cpp"
    file.write_text(CODE)
    sheet = await pane.opener.open(file)
    assert sheet is not None
    return sheet


def theme() -> Theme:
    return find_theme("harbour", [built_in_themes()])


def test_the_worst_of_a_line_is_painted_and_the_others_are_listed() -> None:
    first = LineDiagnostic(1, "unused", Severity.WARN)
    second = LineDiagnostic(1, "wrong", Severity.ERROR)
    third = LineDiagnostic(1, "also wrong", Severity.ERROR)
    lines = by_line([first, second, third])
    assert [entry.message for entry in lines[1].entries] == ["wrong", "also wrong", "unused"]


def test_each_problem_of_a_line_is_underlined_as_bad_as_it_is() -> None:
    model = EditorModel("wrong = unused\n", by_name("python"))
    painter = Painter(model, NoSyntax(), EditorStyles(lambda _: Style.null()))
    painter.diagnostics = by_line(
        [
            LineDiagnostic(0, "unused", Severity.WARN, 0, 14),
            LineDiagnostic(0, "wrong", Severity.ERROR, 0, 5),
        ]
    )
    laid = [""] * 15
    painter._lay_over(0, 0, 14, True, laid)  # the last column is the end of the line
    assert laid == ["cursor.blurred"] + ["problem.error"] * 4 + ["problem.warn"] * 9 + [""]


def test_the_next_problem_goes_round_all_files() -> None:
    problems = [
        CellProblem("/w/a.cpp", LineDiagnostic(2, "one", start=4)),
        CellProblem("/w/a.cpp", LineDiagnostic(2, "two", start=9)),
        CellProblem("/w/b.hpp", LineDiagnostic(0, "three")),
    ]

    def message(document: str, line: int, column: int, step: int) -> str:
        problem = neighbour(problems, document, line, column, step)
        return problem.mark.message if problem is not None else ""

    assert message("/w/a.cpp", 0, 0, 1) == "one"
    assert message("/w/a.cpp", 2, 4, 1) == "two"
    assert message("/w/a.cpp", 2, 9, 1) == "three"
    assert message("/w/b.hpp", 0, 0, 1) == "one"
    assert message("/w/a.cpp", 2, 4, -1) == "three"
    assert message("/w/b.hpp", 0, 0, -1) == "two"
    assert message("/w/other.py", 5, 0, 1) == "one"
    assert neighbour([], "/w/a.cpp", 0, 0, 1) is None


async def test_a_problem_follows_its_line_and_is_dimmed_while_that_is_edited(
    tmp_path: Path,
) -> None:
    pane = DocumentsPane(theme())
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        sheet = await opened(tmp_path, pane)
        pane.problems.report("a.cpp", marks_of([step(semicolon())], str(tmp_path), "a.cpp"))
        (problem,) = pane.problems.all()
        assert (problem.place, problem.is_stale) == ((2, 18), False)
        assert problem.mark.notes == ("lib.hpp:7: required from here",)
        await until(pilot, lambda: app.heard_of(DocumentMessages.ProblemsCounted))
        counted = app.heard_of(DocumentMessages.ProblemsCounted)[-1]
        assert (counted.errors, counted.warnings) == (1, 0)
        # A line that is put in above its first character moves it.
        top = Location(2, 0)
        sheet.editor.perform(lambda model: model.edit([(top, top, "  // text\n")]))
        (problem,) = pane.problems.all()
        assert (problem.place, problem.is_stale) == ((3, 18), False)
        end = Location(3, 18)
        sheet.editor.perform(lambda model: model.edit([(end, end, " ")]))
        assert [problem.is_stale for problem in pane.problems.all()] == [True]
        painter = sheet.editor.painter
        assert painter.tone_of(3, painter.diagnostics[3]) == "faint"
        sheet.editor.action_edit("undo")
        assert [problem.is_stale for problem in pane.problems.all()] == [False]
        # The next build without it takes it away.
        pane.problems.report("a.cpp", {})
        assert pane.problems.all() == []


async def test_a_run_of_what_was_built_keeps_the_problems_of_its_build(tmp_path: Path) -> None:
    crash = Diagnostic(SourceLocation("a.cpp", 2, 1), "error", "SIGSEGV")
    warned = step(replace(semicolon(), severity="warning"))
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)

        def after(*steps: StepResult) -> list[str]:
            place = CellRef(sheet.name_key)
            view = ExecutionView("e1", CODE, "ok", cell=place, steps=steps)
            snapshot = Snapshot(cwd=str(tmp_path), executions={"e1": view})
            pane.show_frame(Frame(snapshot, Snapshot(), frozenset({"e1"})))
            return [problem.mark.message for problem in pane.problems.all()]

        run = StepResult("run", ("./a",), 0)
        assert after(warned) == ["expected ‘;’"]
        assert after(run) == ["expected ‘;’"]
        state = pane.programs.state_of(sheet)
        assert [entry.command for entry in state.steps] == [("g++", "a.cpp"), ("./a",)]
        assert after(replace(run, diagnostics=(crash,))) == ["SIGSEGV", "expected ‘;’"]
        assert after(run) == ["expected ‘;’"]
        # A build takes the place of both.
        assert after(replace(run, diagnostics=(crash,))) == ["SIGSEGV", "expected ‘;’"]
        assert after(step()) == []


async def test_files_that_are_not_open_are_listed_and_marked_when_they_are_opened(
    tmp_path: Path,
) -> None:
    (tmp_path / "lib.hpp").write_text("int f()\n")
    broken = Diagnostic(SourceLocation("lib.hpp", 1, 8), "warning", "expected ‘;’")
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        await opened(tmp_path, pane)
        pane.problems.report("a.cpp", marks_of([step(semicolon(), broken)], str(tmp_path), "a.cpp"))
        documents = [problem.document for problem in pane.problems.all()]
        assert documents == [str(tmp_path / "a.cpp"), str(tmp_path / "lib.hpp")]
        sheet = await pane.opener.open(tmp_path / "lib.hpp")
        assert sheet is not None
        assert [entry.message for entry in sheet.diagnostics.entries] == ["expected ‘;’"]
        # Another program keeps what this one reported.
        pane.problems.report("b.cpp", {str(tmp_path / "lib.hpp"): [LineDiagnostic(0, "other")]})
        messages = [entry.message for entry in sheet.diagnostics.entries]
        assert sorted(messages) == ["expected ‘;’", "other"]


async def test_a_fix_is_one_step_and_knows_where_its_line_is(tmp_path: Path) -> None:
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(tmp_path, pane)
        pane.problems.report("a.cpp", marks_of([step(semicolon())], str(tmp_path), "a.cpp"))
        top = Location(0, 0)
        sheet.editor.perform(lambda model: model.edit([(top, top, "// first\n\n")]))
        (problem,) = pane.problems.all()
        edits = edits_of(problem, sheet.editor.model.lines)
        sheet.editor.perform(lambda model: model.edit(edits))
        assert sheet.editor.model.lines[4] == "  std::string text;"
        (problem,) = pane.problems.all()
        with pytest.raises(UsageError, match="edited since the build"):
            edits_of(problem, sheet.editor.model.lines)
        sheet.editor.action_edit("undo")
        assert sheet.editor.model.lines[4] == "  std::string text"


def test_a_fix_in_two_places_moves_with_the_text_or_is_refused() -> None:
    header = LineFix("/w/a.cpp", (0, 0), (0, 0), "#include <vector>\n", "int main() {")
    use = LineFix("/w/a.cpp", (1, 2), (1, 5), "std::vector", "  vec v;")
    mark = LineDiagnostic(1, "no vec", fixes=(use, header), reported_line=1, line_text="  vec v;")
    problem = CellProblem("/w/a.cpp", mark)
    assert edits_of(problem, ["int main() {", "  vec v;"]) == [
        (Location(0, 0), Location(0, 0), "#include <vector>\n"),
        (Location(1, 2), Location(1, 5), "std::vector"),
    ]
    with pytest.raises(UsageError, match="edited since the build"):
        edits_of(problem, ["int main(int n) {", "  vec v;"])
    elsewhere = CellProblem("/w/b.cpp", mark)
    with pytest.raises(UsageError, match="another file"):
        edits_of(elsewhere, ["int main() {", "  vec v;"])


async def test_problems_of_a_cell_stand_on_its_lines_in_the_document(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('# %% language="cpp"\n# int x = 1;\n# f(y);\nprint(1)\n')
    place = SourceLocation("a.py", 3, 3, 3, 4)
    built = replace(step(Diagnostic(place, "error", "‘y’ was not declared")), renewed=())
    pane = DocumentsPane(theme())
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await pane.opener.open(file)
        assert sheet is not None
        cell = CellRef(sheet.name_key, "c1@1", 1)
        view = ExecutionView("e1", "int x = 1;\nf(y);", "error", cell=cell, steps=(built,))
        snapshot = Snapshot(cwd=str(tmp_path), executions={"e1": view})
        pane.show_frame(Frame(snapshot, Snapshot(), frozenset({"e1"})))
        (problem,) = pane.problems.all()
        # Behind the comment marker, and not taken for an edited line.
        assert (problem.place, problem.mark.end, problem.is_stale) == ((2, 4), 5, False)
        assert not pane.programs.state_of(sheet).steps

"""Results of the code execution service, made from those of the engine."""

from __future__ import annotations

from base64 import b64encode

from codeexec.ces import CutOffs, ExecutionResult, LogMessage
from codeexec.ces.results import PictureFile, make_result
from codeexec.domain.plugins import ExecutionReport, LogEntry, ReportedArtifact
from codeexec.domain.result import ExecutionArtifact as EngineArtifact
from codeexec.domain.result import ExecutionResult as EngineResult
from codeexec.domain.snapshot import ExecutionView

REPORT = ExecutionReport(
    log=(LogEntry("warning", "greet", "slow"),),
    artifacts=(
        ReportedArtifact(
            "obj_3_txt_0000",
            "note",
            "txt",
            "text/plain",
            "a.txt",
            "obj_3_txt_0000_a.txt",
            "p" * 200,
        ),
    ),
    variables={"x": "v" * 6000},
    output=(("total", "9" * 6000),),
)


def result_of(
    view: ExecutionView, engine: EngineResult, cut_offs: CutOffs | None = None
) -> tuple[ExecutionResult, list[PictureFile]]:
    return make_result(engine, view, "exec-of-caller", 3, cut_offs or CutOffs())


def test_values_and_previews_are_cut_off() -> None:
    view = ExecutionView("exec-1", "x", "ok", report=REPORT)
    result, _ = result_of(view, EngineResult("exec-1", "x", True, "", "o" * 6000))
    assert len(result.output) == len(result.variables["x"]) == 5000
    assert len(result.output_pairs[0][1]) == 5000
    assert len(result.artifact[0].preview) == 100
    shorter = CutOffs(value_chars=3, preview_chars=2)
    result, _ = result_of(view, EngineResult("exec-1", "x", True, "", "o" * 6000), shorter)
    assert (result.output, result.variables, result.artifact[0].preview) == (
        "ooo",
        {"x": "vvv"},
        "pp",
    )


def test_a_string_is_shown_without_its_quotes() -> None:
    view = ExecutionView("exec-1", "x", "ok")
    for shown, output in (
        ("'it\\'s'", "it's"), ('"a"', "a"), ("'a' <b>", "'a' <b>"), ("['a']", "['a']"), ("'a", "'a")
    ):  # fmt: skip
        result, _ = result_of(view, EngineResult("exec-1", "x", True, "", shown))
        assert result.output == output


def test_both_views_of_a_result() -> None:
    view = ExecutionView("exec-1", "x", "ok", report=REPORT)
    result, _ = result_of(view, EngineResult("exec-1", "x", True, "", "1", stdout=["a"]))
    assert (result.execution_id, result.error, result.output) == ("exec-of-caller", "", "1")
    assert result.log == ["warning greet: slow"]
    source = result.source_view()
    assert source.error is None
    assert source.log == [LogMessage("warning", "greet", "slow")]
    assert source.output == [("total", "9" * 5000)]
    assert source.stdout == ["a"]
    plain, _ = result_of(
        ExecutionView("exec-1", "x", "ok"), EngineResult("exec-1", "x", True, "", "1")
    )
    assert plain.source_view().output == "1"


def test_what_did_not_end_well_has_an_error_and_says_why() -> None:
    view = ExecutionView("exec-1", "x", "lost", reason="The kernel was ended by SIGKILL.")
    engine = EngineResult("exec-1", "x", False, "The kernel was ended by SIGKILL.", "")
    result, _ = result_of(view, engine)
    assert not result.is_success
    assert result.source_view().error == result.error == "The kernel was ended by SIGKILL."
    assert result.messages[0].level == "error"
    silent, _ = result_of(
        ExecutionView("exec-1", "x", "cancelled"), EngineResult("exec-1", "x", False, "", "")
    )
    assert silent.error


def test_displayed_pictures_are_numbered_after_reported_files() -> None:
    png, svg = b64encode(b"\x89PNG").decode(), "<svg/>"
    shown = [
        EngineArtifact("a", "chart", "image/png", "a", "a", png, "base64", "<Figure>"),
        EngineArtifact("b", "svg", "image/svg+xml", "b", "b", svg, "str", "q" * 200),
        EngineArtifact("c", "html", "text/html", "c", "c", "<p>", "str", ""),
    ]
    view = ExecutionView("exec-1", "x", "ok", report=REPORT)
    engine = EngineResult("exec-1", "x", True, "", "", artifact=shown)
    result, pictures = result_of(view, engine)
    assert [artifact.file_name for artifact in result.artifact] == [
        "obj_3_txt_0000_a.txt",
        "obj_3_image_0001_display.png",
        "obj_3_svg_0002_display.svg",
    ]
    assert [picture.content for picture in pictures] == [b"\x89PNG", b"<svg/>"]
    assert result.artifact[1].file_content_encoding == "base64"
    assert len(result.artifact[2].preview) == 100

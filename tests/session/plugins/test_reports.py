"""What an execution reports beside its output; the magics of a session."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.plugins import MOST_PLUGINS
from codeexec.kernels.base import PluginReported
from codeexec.session.session import Session
from support.plugins import RAISES, SUMMARY, SYNTAX_ERROR, load
from support.sessions import open_host, open_session, run, until

CONTEXT = """
from taskweaver.plugin import Plugin, register_plugin

@register_plugin
class Context(Plugin):
    def __call__(self):
        return self.ctx
"""


def shown(view: object) -> str:
    """The last result of an execution as text; empty: it has none."""
    displays = view.displays  # type: ignore[attr-defined]
    part = displays[-1].part("text/plain") if displays else None
    return (part.text or "") if part is not None else ""


async def answer(session: Session, code: str) -> dict[str, object]:
    """The answer of a magic."""
    view = await run(session, code)
    assert view.status == "ok", view.error
    value = ast.literal_eval(shown(view))
    assert list(value) == ["is_success", "message", "data"]
    return dict(value)


@pytest.mark.slow
async def test_an_execution_reports_its_variables_and_its_result(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        first = await run(session, "x = 1\nname = 'text'\nimport os\n[('a', 2), 'b']", report=True)
        assert first.report is not None
        assert first.report.variables == {"x": "1", "name": "text"}
        assert first.report.output == (("a", "2"), ("execution_result_2", "b"))
        # Of this very execution, also where the next one follows at once.
        views = [await run(session, f"x = {n}", report=True) for n in (2, 3)]
        assert [v.report.variables["x"] for v in views if v.report] == ["2", "3"]
        failed = await run(session, "x = 9\n1/0", report=True)
        assert failed.report is not None
        assert failed.report.variables["x"] == "9"
        assert failed.report.output == ()
        unasked = await run(session, "x")
        assert unasked.report is None
        long = await run(session, "y = 'z' * 10_000", report=True)
        assert long.report is not None
        assert len(long.report.variables["y"]) == 5000


@pytest.mark.slow
async def test_text_that_is_no_unicode_is_reported_as_far_as_it_is(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await load(session, "context", CONTEXT)
        code = "name = 'a\\udcff'\ncontext().log('info', 't', '\\ud800 b')"
        view = await run(session, code, report=True)
        assert view.status == "ok", view.error
        assert view.total == 0, "no row is printed for it"
        assert view.report is not None
        assert view.report.variables == {"name": "a?"}
        assert [entry.message for entry in view.report.log] == ["? b"]


@pytest.mark.slow
async def test_the_last_assignment_is_shown_where_that_is_wanted(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        assert shown(await run(session, "x = 5", show_assignments=True)) == "5"
        assert shown(await run(session, "x = 6")) == ""
        assert shown(await run(session, "x", show_assignments=True)) == "6"


@pytest.mark.slow
async def test_the_context_refuses_names_that_leave_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    folder = tmp_path / "work"
    folder.mkdir()
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, folder)
        await load(session, "context", CONTEXT)
        await run(session, "ctx = context()")
        for name in ("../outside.txt", "a/b.txt", "", "..", "a\\\\b", str(outside), "a\\0b"):
            view = await run(session, f"ctx.add_artifact('n', '{name}', 'txt', 'x')")
            assert view.error is not None, name
            assert "no name of a file" in view.error.value
        for code, words in {
            "ctx.add_artifact('n', 'a.txt', 'movie', 'x')": "no type of artifact",
            "ctx.add_artifact('n', 'a.csv', 'df', 5)": "is a data frame, not int",
            "ctx.add_artifact('n', 'x' * 201, 'txt', 'x')": "at most 200 bytes",
            "ctx.get_env('context', 'KEY')": "PLUGIN_context_KEY is not set",
        }.items():
            view = await run(session, code)
            assert view.error is not None, code
            assert words in view.error.value
        assert outside.read_text() == "kept"
        assert list(folder.iterdir()) == []

        # A link that code has put at the name of an artifact is followed by nobody.
        index = session.snapshot.shown_total + 1
        (folder / f"obj_{index}_txt_0000_a.txt").symlink_to(outside)
        linked = await run(session, "ctx.add_artifact('n', 'a.txt', 'txt', 'changed')")
        assert linked.error is not None
        made = await run(session, "id, path = ctx.create_artifact_path('n', 'b.txt', 'txt', 'd')")
        assert made.report is not None
        (artifact,) = made.report.artifacts
        await run(session, f"import os; os.symlink({str(outside)!r}, path)")
        assert outside.read_text() == "kept"
        told = await until(session, lambda s: s.executions[made.execution_id].report.log)  # type: ignore[union-attr]
        report = told.executions[made.execution_id].report
        assert report is not None
        assert artifact.file in report.log[0].message
        assert "is not kept" in report.log[0].message
        assert artifact.file not in {each.name for each in session.snapshot.artifacts}


@pytest.mark.slow
async def test_the_context_knows_where_it_is(tmp_path: Path) -> None:
    env = {"PLUGIN_context_KEY": "value", "TASKWEAVER_ENV_ID": "env-7"}
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, env=env)
        await load(session, "context", CONTEXT)
        values = "ctx.execution_id, ctx.session_id, ctx.env_id, ctx.get_env('context', 'KEY')"
        view = await run(session, f"ctx = context(); ({values})")
        expected = (view.execution_id, session.session_id, "env-7", "value")
        assert shown(view).replace("\n ", " ") == repr(expected)


async def test_artifacts_of_all_types(tmp_path: Path) -> None:
    code = """
import os
os.mkdir("elsewhere"); os.chdir("elsewhere")
class Frame:
    shape, columns = (2, 1), ["a"]
    def to_csv(self, index):
        return "a\\n1\\n2\\n"
ctx = context()
ctx.add_artifact("c", "c.json", "chart", {"data": [1]})
ctx.add_artifact("i", "i.png", "image", b"\\x89PNG")
ctx.add_artifact("d", "d.csv", "df", Frame())
ctx.add_artifact("f", "f.bin", "file", b"\\0\\1")
ctx.add_artifact("t", "t.txt", "txt", "text")
ctx.add_artifact("s", "s.svg", "svg", "<svg/>")
ctx.add_artifact("h", "h.html", "html", "<p>", "a page")
"""
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await load(session, "context", CONTEXT)
        view = await run(session, code, index=12)
        assert view.status == "ok", view.error
        assert view.report is not None
        artifacts = view.report.artifacts
        kinds = ["chart", "image", "df", "file", "txt", "svg", "html"]
        assert [a.id for a in artifacts] == [f"obj_12_{k}_{n:04x}" for n, k in enumerate(kinds)]
        assert [a.mime for a in artifacts] == [
            "application/json", "image/png", "text/csv", "application/octet-stream",
            "text/plain", "image/svg+xml", "text/html",
        ]  # fmt: skip
        assert [a.preview for a in artifacts] == [
            "chart", "image", "DataFrame in shape (2, 1) with columns ['a']",
            "b'\\x00\\x01'", "text", "<svg/>", "a page",
        ]  # fmt: skip
        assert (tmp_path / artifacts[2].file).read_text() == "a\n1\n2\n"
        names = {a.file for a in artifacts}
        await until(session, lambda s: names <= {a.name for a in s.artifacts})
        content = await session.call(q.ReadFile(artifacts[0].file))
        assert content.data == b'{"data": [1]}'


@pytest.mark.slow
async def test_a_plugin_typed_in_the_console_is_one_of_the_session(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        registered = await answer(session, f"%%_taskweaver_plugin_register summary\n{SUMMARY}")
        assert registered == {
            "is_success": True,
            "message": "Plugin summary registered.",
            "data": None,
        }
        assert session.snapshot.plugins == {}
        loaded = await answer(session, '%%_taskweaver_plugin_load summary\n{"prefix": "B"}')
        assert loaded["is_success"] is True
        plugin = session.snapshot.plugins["summary"]
        assert (plugin.is_loaded, plugin.source) == (True, "typed in the console")
        assert plugin.config == ("prefix",)
        await session.call(q.RestartKernel())
        assert shown(await run(session, "summary('a')")) == "'B: 1 words'"
        tested = await answer(session, "%_taskweaver_plugin_test summary")
        assert tested["is_success"] is True
        unloaded = await answer(session, "%_taskweaver_plugin_unload summary")
        assert unloaded["message"] == "Plugin summary unloaded."
        assert session.snapshot.plugins == {}
        again = await answer(session, "%_taskweaver_plugin_unload summary")
        assert again["message"] == "Plugin summary not loaded, skipping unloading."


INNER = """
from taskweaver.plugin import register_plugin
register_plugin(lambda: VERSION)
"""
BY_MAGICS = """
magic = get_ipython().run_cell_magic
for version in (1, 2):
    magic("_taskweaver_plugin_register", "inner", TEXT.replace("VERSION", str(version)))
    magic("_taskweaver_plugin_load", "inner", "{}")
    get_ipython().run_line_magic("_taskweaver_plugin_test", "inner")
"""


async def test_reports_that_come_together_follow_one_another(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for _ in range(2):
            execution_id = (await run(session, "1")).execution_id
            session.slots.default.take([
                PluginReported(execution_id, action, "inner", True, "", (), (), INNER, {})
                for action in ("load", "test")
            ])  # fmt: skip
            assert session.snapshot.plugins["inner"].loaded_by == f"{execution_id}/inner"


@pytest.mark.slow
async def test_a_plugin_whose_module_loads_another_is_itself_after_a_restart(
    tmp_path: Path,
) -> None:
    outer = (
        "from IPython import get_ipython\nfrom taskweaver.plugin import register_plugin\n"
        f"TEXT = {INNER!r}\n{BY_MAGICS}\nregister_plugin(lambda: 'outer')\n"
    )
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        answer_of_load = await load(session, "outer", outer)
        assert answer_of_load.is_success, answer_of_load.message
        assert answer_of_load.message == "Plugin outer loaded."
        plugins = session.snapshot.plugins
        assert plugins["inner"].loaded_by != plugins["outer"].loaded_by
        await session.call(q.RestartKernel())
        assert shown(await run(session, "outer(), inner()")) == "('outer', 2)"


@pytest.mark.slow
async def test_session_variables_set_by_code_are_those_of_the_session(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await session.call(q.SetSessionVariables({"a": "1", "b": "2"}))
        read = await answer(session, "%_taskweaver_check_session_var")
        assert read["data"] == {"a": "1", "b": "2"}
        updated = await answer(session, '%%_taskweaver_update_session_var\n{"c": 3}')
        assert updated["data"] == {"c": "3"}
        assert session.snapshot.session_variables == {"c": "3"}
        await session.call(q.SetSessionVariables({"d": "4"}))
        code = (
            "from codeexec_session import get_session_var, session_variables; session_variables()"
        )
        assert shown(await run(session, code)) == "{'c': '3', 'd': '4'}"
        await session.call(q.SetSessionVariables({"e": "5"}, replace=True))
        assert shown(await run(session, "get_session_var('d', 'gone')")) == "'gone'"
        await session.call(q.RestartKernel())
        read = await answer(session, "%_taskweaver_check_session_var")
        assert read["data"] == {"e": "5"}


BAD = {
    "%%_taskweaver_update_session_var\n{'a': 1}": "no valid JSON",
    "%%_taskweaver_update_session_var\n[1]": "JSON object",
    "%%_taskweaver_plugin_load summary\n{": "no valid JSON",
    "%_taskweaver_plugin_load summary": "not registered",
    "%_taskweaver_plugin_load a/b": "no name of a plugin",
    "%_taskweaver_plugin_register summary": "Give its text",
    f"%%_taskweaver_plugin_register summary\n{SYNTAX_ERROR}": "SyntaxError",
    "%_taskweaver_plugin_test summary": "not loaded",
    "%_taskweaver_exec_pre_check one exec-1": "Give a number and an id",
    "%%_taskweaver_write_and_run a/b.py\nx = 1": "no name of a file",
    "%_taskweaver_write_and_run": "Name a file",
    "%%_taskweaver_write_and_run w.py\n1/0": "ZeroDivisionError",
}


async def test_magics_answer_what_is_wrong_and_the_session_goes_on(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for code, words in BAD.items():
            given = await answer(session, code)
            assert given["is_success"] is False, code
            assert words in str(given["message"]), code
        registered = await answer(session, f"%%_taskweaver_plugin_register raises\n{RAISES}")
        assert registered["is_success"] is True
        loaded = await answer(session, '%%_taskweaver_plugin_load raises\n{"table": "t"}')
        assert loaded["is_success"] is False
        assert "ValueError: no such table: t" in str(loaded["message"])
        assert session.snapshot.plugins == {}
        assert shown(await run(session, "6 * 7")) == "42"


@pytest.mark.slow
async def test_checks_mark_what_an_execution_made(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await load(session, "summary", SUMMARY)
        assert (await answer(session, "%_taskweaver_exec_pre_check 7 exec-of-mine"))["is_success"]
        view = await run(session, "line = summary('a b'); line")
        assert view.report is not None
        assert view.report.artifacts[0].id == "obj_7_txt_0000"
        after = await answer(session, "%_taskweaver_exec_post_check 7 exec-of-mine")
        state = after["data"]
        assert isinstance(state, dict)
        assert state["log"] == [["info", "Plugin-summary", "counted 2"]]
        assert state["artifact"][0]["file"] == "obj_7_txt_0000_report.txt"
        assert state["output"] == [("execution_result_1", "none: 2 words")]
        assert state["variables"]["line"] == "none: 2 words"
        init = await answer(session, "%_taskweaver_session_init session-9")
        assert init["is_success"] is True
        path = await answer(session, "%%_taskweaver_convert_path\nsub/file.txt")
        assert path["data"] == str(tmp_path / "sub/file.txt")
        written = await answer(session, "%%_taskweaver_write_and_run made.py\nmade = 5")
        assert written["data"] == str(tmp_path / "made.py")
        assert shown(await run(session, "made")) == "5"


@pytest.mark.slow
async def test_what_user_code_sends_in_our_name_is_checked(tmp_path: Path) -> None:
    forged = """
import codeexec_session as s
s.publish("log", level="shout", tag="t", message="m")
s.publish("artifact", mime="text/plain", artifact={"id": "i", "name": "n", "type": "txt",
          "original_name": "o", "file": "../outside"})
s.publish("plugin", action="load", name="a/b", is_success=True, message="")
s.publish("plugin", action="test", name="nobody", is_success=True, message="")
s.publish("nothing")
s.publish("result", variables={"nobody": "asked"})
s.publish("artifact", mime="text/plain", artifact={"id": "i", "name": "n", "type": "txt",
          "original_name": "o", "file": "clears \\x1b[2J the screen"})
s.publish("plugin", action="load", name="large", is_success=True, message="",
          config={"k" * 2**20: "v"})
import json
session = get_ipython().kernel.session
session.pack = lambda content: json.dumps(content, default=str).encode()
session.send(get_ipython().kernel.iopub_socket, "codeexec_report", {
    "kind": "plugin", "action": "load", "name": "half", "is_success": True, "message": "",
    "implementation": "\\ud800"}, parent=get_ipython().kernel.get_parent())
"""
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        view = await run(session, forged)
        assert view.status == "ok", view.error
        assert view.report is None
        assert session.snapshot.plugins == {}


@pytest.mark.slow
async def test_code_that_makes_plugins_without_end_is_bounded(tmp_path: Path) -> None:
    many = """
import codeexec_session as s
for n in range(1000):
    s.publish("plugin", action="load", name=f"p{n}", is_success=True, message="")
    s.publish("session_variables", variables={"a": "b" * 10_000})
"""
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        assert (await run(session, many)).status == "ok"
        assert len(session.snapshot.plugins) == MOST_PLUGINS
        assert session.recorder.journal.used < 5_000_000


@pytest.mark.slow
@pytest.mark.parametrize("count", [1500])
async def test_a_flood_of_log_entries_is_bounded(tmp_path: Path, count: int) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await load(session, "context", CONTEXT)
        view = await run(
            session, f"ctx = context()\nfor n in range({count}): ctx.log('info', 't', n)"
        )
        assert view.report is not None
        assert view.report.log[-1].message == "More log entries of this execution are not kept."
        assert view.report.log[-2].message == "999"

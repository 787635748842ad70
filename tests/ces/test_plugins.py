"""Plugins through an environment: what works, and what is refused without harm to the session."""

from __future__ import annotations

from typing import Any

import pytest

from codeexec.ces import Environment
from codeexec.domain.errors import CodeexecError, NotFound, UsageError

PLUGIN = """
from taskweaver.plugin import Plugin, register_plugin, test_plugin


@register_plugin
class Tool(Plugin):
    def __call__(self, file_name="a.txt"):
        self.ctx.add_artifact("note", file_name, "txt", "text")
        return (
            self.config.get("unit", "none"),
            self.ctx.get_session_var("place", "nowhere"),
            self.ctx.session_id,
            self.ctx.env_id,
        )


@test_plugin("units", "it has a unit")
def check_unit(tool):
    assert tool.config["unit"] == "cm", "no such unit"
"""
REGISTERED = "from taskweaver.plugin import Plugin, register_plugin\n"


def load(environment: Environment, config: dict[str, str] | None = None) -> None:
    environment.load_plugin("work", "tool", PLUGIN, config)


def test_a_plugin_reads_its_configuration_and_session_variables(shared: Environment) -> None:
    load(shared, {"unit": "cm"})
    shared.update_session_var("work", {"place": "Paris", "kept": "1"})
    shared.update_session_var("work", {"place": "Rome"})
    result = shared.execute_code("work", "tool()")
    assert result.output == f"('cm', 'Rome', 'work', '{shared.id}')"
    artifact = result.artifact[0]
    assert (artifact.name, artifact.file_name) == (
        f"obj_{shared.session_dict['work'].execution_count}_txt_0000",
        f"{artifact.name}_a.txt",
    )
    cwd = shared.session_dict["work"].folder.cwd
    assert (cwd / artifact.file_name).read_text() == "text"
    assert shared.session_dict["work"].session_var == {"place": "Rome", "kept": "1"}


def test_a_result_has_all_log_entries_and_artifacts_of_its_execution(shared: Environment) -> None:
    load(shared)
    code = "for n in range(300): tool.log('info', str(n)); tool(f'{n}.txt') if n < 150 else None"
    result = shared.execute_code("work", code)
    assert [message.message for message in result.messages] == [str(n) for n in range(300)]
    assert [artifact.original_name for artifact in result.artifact] == [
        f"{n}.txt" for n in range(150)
    ]
    assert shared.execute_code("work", "1").messages == []


@pytest.mark.parametrize("values", [{"unit": 1}, {"unit": None}, {1: "unit"}, ["unit"]])
def test_configurations_and_session_variables_are_texts(shared: Environment, values: Any) -> None:
    with pytest.raises(UsageError, match="texts"):
        load(shared, values)
    with pytest.raises(UsageError, match="texts"):
        shared.update_session_var("work", values)


def test_a_plugin_is_tested_replaced_and_unloaded(shared: Environment) -> None:
    load(shared, {"unit": "cm"})
    shared.test_plugin("work", "tool")
    load(shared, {"unit": "inch"})
    with pytest.raises(UsageError, match="no such unit"):
        shared.test_plugin("work", "tool")
    assert shared.execute_code("work", "tool()[0]").output == "inch"
    shared.unload_plugin("work", "tool")
    shared.unload_plugin("work", "tool")
    assert not shared.execute_code("work", "tool()").is_success
    with pytest.raises(NotFound, match="no plugin 'tool'"):
        shared.test_plugin("work", "tool")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("implementation", "words"),
    [
        ("def broken(:\n    pass\n", "SyntaxError"),
        ("print('loading')\nraise RuntimeError('on purpose')\n", "on purpose"),
        ("x = 1\n", "registers no plugin"),
        (
            REGISTERED + "@register_plugin\nclass A(Plugin): pass\n"
            "@register_plugin\nclass B(Plugin): pass\n",
            "registers twice",
        ),
        ("raise SystemExit\n", "SystemExit"),
    ],
)
def test_a_plugin_that_fails_says_why_and_leaves_the_session_as_it_was(
    shared: Environment, implementation: str, words: str
) -> None:
    load(shared, {"unit": "m"})
    with pytest.raises(UsageError, match=words):
        shared.load_plugin("work", "tool", implementation)
    assert shared.execute_code("work", "tool()[0]").output == "m"
    assert shared.session_dict["work"].plugins["tool"].impl == PLUGIN


@pytest.mark.parametrize("name", ["", "a/b", "../tool", "two words", "class"])
def test_a_name_that_code_cannot_call_is_refused(shared: Environment, name: str) -> None:
    with pytest.raises(CodeexecError, match="no name of a plugin"):
        shared.load_plugin("work", name, PLUGIN)


def test_an_artifact_stays_in_the_folder(shared: Environment) -> None:
    load(shared)
    for file_name in ("../out.txt", "/tmp/out.txt", "sub/out.txt"):
        result = shared.execute_code("work", f"tool({file_name!r})")
        folder = shared.session_dict["work"].folder
        assert not (folder.path / "out.txt").exists()
        assert all((folder.cwd / a.file_name).is_file() for a in result.artifact)
        assert all("/" not in a.file_name for a in result.artifact)
        assert result.is_success or "name" in result.error
    assert shared.execute_code("work", "1").is_success


@pytest.mark.slow
def test_a_new_kernel_has_the_plugins_and_session_variables(shared: Environment) -> None:
    load(shared, {"unit": "cm"})
    shared.update_session_var("work", {"place": "Oslo"})
    died = shared.execute_code("work", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    assert not died.is_success
    assert shared.execute_code("work", "tool()[:2]").output == "('cm', 'Oslo')"
    assert shared.execute_code("work", "plt.rcParams['figure.dpi']").output == "200.0"

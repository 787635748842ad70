"""Which actions a workbench that only watches refuses."""

from __future__ import annotations

import pytest

from codeexec.tui.commands.table import BY_ID
from codeexec.tui.session.watch_only import refuses


@pytest.mark.parametrize(
    "command",
    ["kernel.start", "kernel.remove", "kernel.default", "kernel.of_document", "kernel.restart",
     "app.new_session", "app.rename", "app.stop_quit", "file.save", "file.keep", "file.reload",
     "files.create", "files.delete", "variables.delete", "console.rerun", "console.save",
     "prompt.submit", "artifacts.save"],
)  # fmt: skip
def test_what_writes_is_refused(command: str) -> None:
    assert refuses(BY_ID[command].action)


@pytest.mark.parametrize("command", ["viewer.save", "sessions.stop", "sessions.remove"])
def test_what_writes_on_a_screen_over_the_workbench_is_refused(command: str) -> None:
    assert refuses(BY_ID[command].action, on_workbench=False)


@pytest.mark.parametrize("command", ["console.copy", "file.open", "pane.split", "app.follow"])
def test_looking_and_copying_is_not_refused(command: str) -> None:
    assert not refuses(BY_ID[command].action)


def test_fields_of_dialogs_are_typed_in() -> None:
    assert not any(refuses(name, on_workbench=False) for name in ("submit", "paste", "cut"))

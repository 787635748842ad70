"""Projects: builds one, runs the program of a target that is chosen, and runs its tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import CellRef
from codeexec.domain.options import (
    PROJECT_KERNEL,
    ExecuteOptions,
    ProgramOptions,
    ProgramSteps,
    ProjectOptions,
)
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.languages.projects.detect import Project

NO_PRESET = "no preset"
_COMMANDS = ("project.build", "project.run", "project.test", "project.tests", "project.preset")
"""What the bar over a file of a project offers."""


class ProjectController:
    """Acts on the project that the document in front belongs to, else on that of the folder."""

    def __init__(self, surface: Surface, state: WorkbenchState, documents: DocumentsPane) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._targets: dict[Path, str] = {}
        """The target that was run last, by the folder of the project."""
        self._presets: dict[Path, str] = {}

    def actions(self) -> Mapping[str, Handler]:
        return {
            "run_project_build": InWorker(lambda: self._run("build"), "run"),
            "run_project_target": InWorker(self.run_target),
            "run_project_tests": InWorker(lambda: self._run("test"), "run"),
            "choose_preset": InWorker(self.choose_preset),
            "choose_project_command": InWorker(self.choose_command),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def choose_command(self) -> None:
        """Choose what to do with the project."""
        if (project := self._project()) is None:
            return
        keymap = self._state.app_context.keymap
        choices = []
        for name in _COMMANDS:
            keys = keymap.of(BY_ID[name])
            words = named_keys(f"{{{name}}}", keymap.keys) if keys else ""
            choices.append(Choice(name, BY_ID[name].title, words))
        chosen = await self._surface.ask_user(Chooser(project.title, choices))
        if chosen is not None:
            self._surface.post_message(CommandRequested(chosen))

    async def run_target(self) -> None:
        """Choose a target of the project, build it, and run its program."""
        from codeexec.languages.projects.scan import scan_project  # not at the start

        if (project := self._project()) is None:
            return
        targets = scan_project(project).targets
        ordered = sorted(targets, key=lambda target: target.kind != "program")
        choices = [Choice(t.name, t.name, "" if t.kind == "other" else t.kind) for t in ordered]
        chosen = await self._surface.ask_user(
            Chooser(
                f"Run a target of the {project.title}",
                choices,
                placeholder="type to narrow down, or the name of a target",
                free=True,
                current=self._targets.get(project.folder, ""),
            )
        )
        if chosen is not None:
            self._targets[project.folder] = chosen
            await self._run("build_and_run", chosen)

    async def choose_preset(self) -> None:
        """Choose the preset of CMake with which the project is built."""
        from codeexec.languages.projects.presets import read_presets  # not at the start

        if (project := self._project()) is None:
            return
        presets = read_presets(project, os.environ)
        if not presets:
            self._surface.notify(f"The {project.title} has no presets.", timeout=3)
            return
        choices = [Choice(preset.name, preset.title) for preset in presets]
        current = self._presets.get(project.folder, "")
        chosen = await self._surface.ask_user(
            Chooser("Presets", [Choice(NO_PRESET, NO_PRESET), *choices], current=current)
        )
        if chosen is not None:
            self._presets[project.folder] = "" if chosen == NO_PRESET else chosen

    async def run_tests(self, folder: str, names: tuple[str, ...]) -> None:
        """Run tests of the project in a folder by their names; all where there are none. An empty
        folder is that of the document in front."""
        await self._run("test", tests=names, folder=folder)

    async def _run(
        self,
        steps: ProgramSteps,
        target: str = "",
        *,
        tests: tuple[str, ...] = (),
        folder: str = "",
    ) -> None:
        """Save what has changed in the project, and queue the steps."""
        project = self._project(Path(folder) if folder else None)
        if project is None or not self._save(project.folder):
            return
        preset = self._presets.get(project.folder, "")
        options = ProjectOptions(str(project.folder), target, preset, tests)
        name = target or project.folder.name
        tested = f"{name}: {', '.join(tests)}" if tests else name
        titles = {"build": f"Build {name}", "test": f"Test {tested}"}
        title = titles.get(steps, f"Run {name}")
        request = q.Execute(
            f"# {title}, by {project.file}",
            origin=self._state.me,
            cell=CellRef(str(project.folder), title=title),
            options=ExecuteOptions(
                kernel=PROJECT_KERNEL,
                store_history=False,
                program=ProgramOptions(steps=steps, project=options),
            ),
        )
        try:
            await self._state.session.call(request)
        except CodeexecError as error:
            self._surface.show_error(error)

    def _save(self, folder: Path) -> bool:
        """Whether all changed documents of the project are on disk now."""
        for sheet in self._documents.sheets:
            is_of_project = not sheet.untitled and sheet.path.is_relative_to(folder)
            if is_of_project and sheet.is_changed and not self._documents.saver.save(sheet):
                return False
        return True

    def _project(self, named: Path | None = None) -> Project | None:
        """That of a folder which is named, else that in use; the user is told where there is
        none."""
        from codeexec.languages.projects.detect import find_project, no_project  # not at the start

        sheet = self._documents.sheet
        folder = self._state.place.folder
        place = named or (folder if sheet is None or sheet.untitled else sheet.path)
        project = find_project(place) or find_project(folder)
        if project is None:
            self._surface.show_error(no_project(folder))
        return project

"""Programs of the editor pane: their configurations, their bars, and requests to run them."""

from __future__ import annotations

import asyncio
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.domain.errors import UsageError
from codeexec.domain.snapshot import ExecutionView
from codeexec.languages.model import Language
from codeexec.languages.plan import language_of_program
from codeexec.languages.profiles import BuildProfile, profiles_of
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.programs.bar import ProgramFacts, profile_words
from codeexec.tui.panes.documents.programs.configurations import RunConfiguration
from codeexec.tui.panes.documents.programs.states import ProgramState, ProgramStates

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_LOOKS_FOR_PROJECTS = 10
"""Refreshes from one look for the project of the document in front to the next."""


class ProgramsController:
    """`note` takes executions of programs; `show` brings the bar of a document up to date."""

    def __init__(self, host: PaneHost, context: PaneContext, documents: DocumentList) -> None:
        self._host = host
        self._context = context
        self._documents = documents
        self._states = ProgramStates()
        self._projects: dict[PurePath, bool] = {}
        """Whether a file belongs to a project, of those that were looked at."""
        self._posted = ""
        self._refreshes = 0

    def note(self, document: str, view: ExecutionView) -> None:
        self._states.of(document).note(view)
        if (sheet := self._documents.by_key(document)) is not None:
            self.show(sheet)

    def state_of(self, sheet: DocumentView) -> ProgramState:
        return self._states.of(sheet.name_key)

    def configuration_of(self, sheet: DocumentView) -> RunConfiguration:
        return self._context.configurations.of(*sheet.names)

    def configure(self, sheet: DocumentView, configuration: RunConfiguration) -> None:
        """Set and store how the document is built and run."""
        self._context.configurations.set(sheet.name_key, configuration)
        self.show(sheet)

    def next_profile(self, sheet: DocumentView) -> str:
        """Switch to the next profile of the language, and return its name. UsageError where nothing
        is built."""
        language = program_language(sheet)
        if language is None or not language.profiles:
            name = sheet.title
            raise UsageError(f"{name} is not built, so it has no profiles.", "F5 runs it.")
        names = profiles_of(language, self._context.profiles)
        configuration = self.configuration_of(sheet)
        at = names.index(configuration.profile) if configuration.profile in names else 0
        name = names[(at + 1) % len(names)]
        # The first one is the default, as which it is stored.
        profile = "" if name == names[0] else name
        self.configure(sheet, replace(configuration, profile=profile))
        return name

    def facts_of(self, sheet: DocumentView) -> ProgramFacts | None:
        """What the bar shows; None where the document is no program."""
        language = program_language(sheet)
        if language is None:
            return None
        configuration = self.configuration_of(sheet)
        try:
            build_words = configuration.build_words(language, self._context.profiles)
        except UsageError:  # its profile has left the settings; a build says so
            is_built = False
        else:
            is_built = self._states.is_built(sheet.name_key, build_words)
        first_profile = next(iter(language.profiles), "")
        return ProgramFacts(
            bool(language.build),
            PurePath(sheet.path).stem if is_built else "",
            configuration.profile or first_profile,
            configuration,
            is_open=bool(self._states.of(sheet.name_key).open),
            has_project=bool(language.build) and self._has_project(sheet),
        )

    def _has_project(self, sheet: DocumentView) -> bool:
        """Whether the document belongs to a project; the first time that is looked up beside the
        event loop, and the bar is shown again."""
        if sheet.untitled or not sheet.path.is_absolute():
            return False
        if sheet.path not in self._projects:
            self._projects[sheet.path] = False
            self._host.run_worker(self._find_project(sheet), group="projects")
        return self._projects[sheet.path]

    async def _find_project(self, sheet: DocumentView) -> None:
        from codeexec.languages.projects.detect import find_project  # not at the start

        path = sheet.path
        has_project = await asyncio.to_thread(find_project, path) is not None
        if has_project != self._projects.get(path):
            self._projects[path] = has_project
            self.show(sheet)

    def use_profiles(self, profiles: tuple[BuildProfile, ...]) -> None:
        """Offer these build profiles of the user."""
        if profiles != self._context.profiles:
            self._context.profiles = profiles
            self.refresh()

    def refresh(self) -> None:
        """A document may have become a program: saved under another name, or by its first line.
        The pane calls this once a second; now and then projects are looked for again."""
        self._refreshes += 1
        front = self._documents.front
        is_due = self._refreshes % _LOOKS_FOR_PROJECTS == 0
        if is_due and front is not None and front.path in self._projects:
            self._host.run_worker(self._find_project(front), group="projects")
        for sheet in self._documents:
            self.show(sheet)

    def show(self, sheet: DocumentView) -> None:
        sheet.program_bar.show(self.facts_of(sheet))
        if sheet is self._documents.front:
            self.post_profile()

    def post_profile(self) -> None:
        """Post the profile of the document in front, where it is another one than before."""
        sheet = self._documents.front
        facts = self.facts_of(sheet) if sheet is not None else None
        profile = profile_words(facts) if facts is not None and facts.profile else ""
        if profile != self._posted:
            self._posted = profile
            self._host.post_message(DocumentMessages.ProfileChanged(profile))


def program_language(sheet: DocumentView) -> Language | None:
    """The language in which the document is a program of its own; None for notebooks, Python,
    headers and texts that are no code."""
    if sheet.document.notebook is not None:
        return None
    try:
        return language_of_program(sheet.untitled or sheet.path.name, sheet.editor.model.lines[0])
    except UsageError:
        return None

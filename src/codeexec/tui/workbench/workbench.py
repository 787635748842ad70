"""The workbench screen: panes on one session, and the controllers that act on them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from codeexec.client.api import HostClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SessionSummary
from codeexec.tui.commands.table import BY_ID, bindings
from codeexec.tui.pane_registry import PaneEntry, Place, panes, panes_at
from codeexec.tui.panes.documents.files.recent import RecentFiles
from codeexec.tui.panes.documents.programs.configurations import RunConfigurations
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.feed import Frame, FrameListener
from codeexec.tui.session.machine_files import MachineFiles
from codeexec.tui.session.views import FileView, SessionView
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.textual_ext.screen import RoutedScreen
from codeexec.tui.textual_ext.terminal import AppTerminal
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Divider, Tab, TabStrip
from codeexec.tui.widgets.keys_shown import KeysShown
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.command_controller import CommandController
from codeexec.tui.workbench.console_controller import ConsoleController
from codeexec.tui.workbench.dispatch import Dispatcher
from codeexec.tui.workbench.files.cell_languages import CellLanguageController
from codeexec.tui.workbench.files.document_news import DocumentNews
from codeexec.tui.workbench.files.file_controller import FileController, is_viewed
from codeexec.tui.workbench.files.leaving import LeavingController
from codeexec.tui.workbench.files.restoring import ElsewhereRestorer
from codeexec.tui.workbench.files.saving import SavingController
from codeexec.tui.workbench.layout.hidden_console import HiddenConsole
from codeexec.tui.workbench.layout.late_panes import LatePanes
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.layout.presenting import PresentingController
from codeexec.tui.workbench.layout_store import LayoutStore
from codeexec.tui.workbench.lessons.lesson_controller import LessonController
from codeexec.tui.workbench.lessons.tour import TourConductor
from codeexec.tui.workbench.notifier import Notifier
from codeexec.tui.workbench.program_controller import ProgramController
from codeexec.tui.workbench.programs.build_controller import BuildController
from codeexec.tui.workbench.programs.problem_controller import ProblemController
from codeexec.tui.workbench.programs.project_controller import ProjectController
from codeexec.tui.workbench.programs.running_controller import RunningController
from codeexec.tui.workbench.programs.terminal_size import ProgramTerminalSize
from codeexec.tui.workbench.programs.tests_controller import TestsController
from codeexec.tui.workbench.recording_controller import RecordingController
from codeexec.tui.workbench.session.agent_controller import AgentController
from codeexec.tui.workbench.session.kernel_controller import KernelController
from codeexec.tui.workbench.session.login_controller import LoginController
from codeexec.tui.workbench.session.page_controller import PageController, front_cells
from codeexec.tui.workbench.session.plugin_controller import PluginController
from codeexec.tui.workbench.session.session_controller import SessionController
from codeexec.tui.workbench.session.sharing_controller import SharingController
from codeexec.tui.workbench.session.trust_controller import TrustController
from codeexec.tui.workbench.side_controller import SideController
from codeexec.tui.workbench.surface import WorkbenchState
from codeexec.tui.workbench.terminal_controller import TerminalController
from codeexec.tui.workbench.widget_controller import WidgetController

if TYPE_CHECKING:
    from codeexec.tui.context import AppContext
    from codeexec.tui.options import OpenOptions

R = TypeVar("R")

_USAGE_EVERY = 2.0
"""Seconds between looks at the kernel's memory."""

_SHARE_EVERY = 1.0
"""Seconds between what watchers are shown."""

_TRUST_AFTER = 0.3
"""Seconds after the first frame of the session before the folder's trust is looked at."""

_SAME_ERROR = 2.0
"""Seconds in which the same error counts as one."""


def _title(theme: Theme, entry: PaneEntry) -> TabStrip:
    tabs = [Tab(entry.name, entry.title)]
    strip = TabStrip(theme, tabs, id=entry.title_widget)
    strip.add_class("pane-title")
    return strip


class Workbench(RoutedScreen):
    """Screen of one session; another session gets another workbench.

    Makes the panes and the controllers, gives commands and messages to these, and frames to those.
    It is the `Surface` of its controllers.
    """

    AUTO_FOCUS = ""

    def __init__(
        self,
        host: HostClient,
        options: OpenOptions,
        place: Workspace,
        app_context: AppContext,
        opening: Awaitable[SessionSummary] | None = None,
    ) -> None:
        """`opening` is the session, where that is being opened already."""
        super().__init__(bindings("anywhere"))
        self.panes = PaneSet()
        self.pane_layout = LayoutController(self, self.panes, self._after_layout)
        session = DeferredSession(
            self.pane_layout.output_columns,
            self.pane_layout.output_rows,
            lambda: app_context.settings.session.show_assignments,
        )
        self.state = WorkbenchState(host, session, options, place, app_context)
        server = options.server.name if options.server is not None else ""
        self.machine_files = MachineFiles(session, server)
        self._terminal_size = ProgramTerminalSize(self, self.state, self.pane_layout)
        for entry in (entry for entry in panes() if not entry.late):
            self.panes.build(entry, self._build_context())
        self.documents = self.panes.documents
        self.console_pane = self.panes.console
        self.status = StatusLine(app_context.theme)
        self._keys_shown = KeysShown(app_context.theme)
        self._late_panes = LatePanes(
            self,
            self.state,
            self.panes,
            self.pane_layout,
            self._build_context,
            self._take_late_messages,
        )
        self._last_error = ("", "")
        self._error_at = 0.0
        self._make_controllers(opening)

    def _make_controllers(self, opening: Awaitable[SessionSummary] | None) -> None:
        state, panes, layout, status = self.state, self.panes, self.pane_layout, self.status
        documents = panes.documents
        self._following = SessionController(self, state, status, panes.console, self, opening)
        self.kernels = KernelController(self, state, documents)
        self.saving = SavingController(self, state, documents)
        self._restorer = ElsewhereRestorer(self, documents, self.machine_files)
        cell_languages = CellLanguageController(self, state, documents)
        self.leaving = LeavingController(self, state, documents, self.saving)
        self.files = FileController(
            *(self, state, documents, layout, self.saving, lambda: self.app.suspend()),
            lambda code: self.console.edit_code(code),
        )
        self.widgets = WidgetController(self, state, panes, layout)
        self.console = ConsoleController(self, state, panes, layout, self, self.widgets)
        self.presenting = PresentingController(state, panes, layout, status, self._keys_shown)
        self.side = SideController(
            *(self, state, panes, layout, self.console.show_card),
            *(self.presenting.show_code_once, self.console.edit_code),
        )
        self.sharing = SharingController(self, state, panes, layout, status)
        state.session.focus.on_chosen = self.sharing.save  # also where this is killed at once
        self.layout_store = LayoutStore(state, panes, layout, self.sharing)
        self.terminals = TerminalController(
            self, state, panes, layout, self.console.show_file, self
        )
        self.notifier = Notifier(
            self, state, AppTerminal(self), lambda: layout.here, lambda: self.terminals.shown_id
        )
        self.trust = TrustController(
            self, state, status, lambda: self.app.screen is self, self.follow_settings
        )
        self._hidden_console = HiddenConsole(state, layout, panes.documents.pages.shows)
        projects = ProjectController(self, state, documents)
        self._agents = AgentController(
            self, state, lambda bar: self.mount(bar, before=self.status), self.console.show_card
        )
        self._logins = LoginController(self, state)
        self.lessons = LessonController(
            *(self, state, self.sharing, self.leaving.detach),
            TourConductor(self, state, documents, layout, self),
        )
        self.dispatcher = Dispatcher(self)
        self.plugins = PluginController(self, state)
        self.recordings = RecordingController(self, state, self)
        pages = PageController(
            *(self, state, lambda: self.sharing.lesson_file),
            lambda: front_cells(documents.sheet),
        )
        self.commands = CommandController(self, state, panes, layout, self.dispatcher, self)
        self.dispatcher.add(
            layout,
            self.kernels,
            self.saving,
            self.leaving,
            self.files,
            self.console,
            self.notifier,
            self.sharing,
            self.layout_store,
            self.trust,
            self.terminals,
            self.commands,
            self.recordings,
            pages,
            self._hidden_console,
            self._agents,
            self.widgets,
            ProgramController(self, state, self.leaving),
            ProblemController(self, state, documents, layout),
            cell_languages,
            BuildController(self, state, documents, self.kernels.interrupt_kernel),
            self.plugins,
            RunningController(self, state, self.console.show_card),
            projects,
            TestsController(self, state, layout, documents, self.console.show_card, projects),
            DocumentNews(panes, status, self.presenting),
            self._terminal_size,
            self.lessons,
        )

    # -- what is on screen ----------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        theme = self.state.app_context.theme
        yield TabStrip(theme, id="panes-bar")
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield from self._boxes("left")
            yield Divider(theme, "left-divider").add_class("divider")
            with Vertical(id="centre"):
                editor, console, terminal = self._boxes("centre")
                yield editor
                yield Divider(theme, "centre-divider").add_class("divider")
                divider = Divider(theme, "lower-divider").add_class("divider")
                yield Vertical(console, divider, terminal, id="lower")
            yield Divider(theme, "side-divider").add_class("divider")
            with Vertical(id="side"):
                yield from self._boxes("side")
        yield Static("This terminal\nis too small.", id="too-small")
        yield self._keys_shown
        yield self.status

    def _boxes(self, place: Place) -> Iterator[Vertical]:
        """Boxes of the panes of a column; editor and console are in theirs from the start."""
        for entry in panes_at(place):
            widgets: list[Widget] = []
            if not entry.title_id:
                widgets.append(_title(self.state.app_context.theme, entry))
            if (pane := self.panes.find(entry.name)) is not None:
                widgets.append(pane)
            yield Vertical(*widgets, id=f"{entry.name}-box")

    def _build_context(self) -> BuildContext:
        state, app_context = self.state, self.state.app_context
        return BuildContext(
            state.place.folder,
            state.session,
            state.me,
            app_context.theme,
            app_context.graphics,
            app_context.swaps,
            self.panes.find,
            state.options.watch,
            self.machine_files,
        )

    def on_unmount(self) -> None:
        self.lessons.close()

    async def on_mount(self) -> None:
        state, documents, console = self.state, self.documents, self.console_pane
        documents.opener.folder = state.place.folder
        documents.opener.recent = RecentFiles(state.app_context.state / "recent.json")
        documents.context.configurations = RunConfigurations(
            state.app_context.state / "run-configurations.json"
        )
        documents.elsewhere.use(self.machine_files, state.app_context.state / "elsewhere")
        self.follow_settings()
        console.graphics = state.app_context.graphics
        files = self.layout_store.load()
        if state.settings.appearance.presentation:
            self.pane_layout.present(True)
        console.connect(state.session, watch_only=state.options.watch)
        documents.context.session = state.session
        documents.context.kernel_focus = state.session.focus
        documents.context.watch_only = state.options.watch
        self.sharing.show_watching()
        self._following.begin(_USAGE_EVERY)
        self.start(self.terminals.follow_link, "terminal-link")
        self.set_interval(_SHARE_EVERY, self.sharing.share_or_follow)
        if state.options.attach and not state.place.files:
            self.pane_layout.lay_out()
            self.pane_layout.go("console")
            return  # the session says which files are its own
        opened = state.place.files or tuple(
            Path(name)
            for name in files
            if Path(name).is_file() and not documents.opener.is_elsewhere(name)
        )
        self._restorer.remember(map(FileView, files))
        viewed = [path for path in opened if is_viewed(path)]
        sheets = [await documents.opener.open(path) for path in opened if path not in viewed]
        if (first := next(filter(None, sheets), None)) is not None:
            documents.front.show(first)
        await self._begin("editor" if state.place.files else "console")
        if viewed:
            await self.files.view(viewed[0])

    async def _begin(self, pane: str) -> None:
        """The documents are open: the rest of the screen follows, and `pane` has the keys. A pane
        that is in use already keeps them: a session that is attached to may come late."""
        place = self.state.place
        if not self.state.options.watch:
            await self.documents.opener.restore_untitled(place.folder)
        layout = self.pane_layout
        layout.lay_out()
        is_in_use = layout.is_chosen or self.console_pane.prompt.text
        layout.go(layout.front if is_in_use else pane)
        self.state.is_set_up = True
        self._late_panes.begin()
        self.start(self.plugins.load_configured, "plugins")
        await self.lessons.documents_opened()
        if terminal_id := self.state.options.terminal:
            self.start(lambda: self.terminals.show_named(terminal_id), "terminal")

    def _take_late_messages(self) -> None:
        """The panes beside the centre are there, whose messages were not loaded before."""
        for controller in (self.files, self.side, self.terminals):
            self.dispatcher.route(controller.late_messages())

    def _after_layout(self) -> None:
        """What is on screen has changed."""
        layout = self.pane_layout
        if layout.is_console_shown:
            self._hidden_console.hide()
        # The cursor's place means nothing while the editor is not on screen.
        self.status.show(shows_position=layout.box("editor").display)
        if (artifacts := self.panes.artifacts) is not None:
            artifacts.fill(layout.is_alone("artifacts") or layout.is_presenting)
        self.presenting.follow_layout()
        self.call_after_refresh(self._terminal_size.tell)

    def on_resize(self) -> None:
        self.pane_layout.lay_out()

    def on_descendant_focus(self) -> None:
        pane = self.pane_layout.note_focus()
        if pane == "editor":
            self.documents.front.post_position()
            self.documents.enter_cell()
        elif pane == "console":
            self.state.session.focus.enter_cell("")

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        for strip in self.query(TabStrip):
            strip.use(theme)
        for divider in self.query(Divider):
            divider.use(theme)
        self.console_pane.use(theme)
        self.documents.use(theme)
        self._keys_shown.use(theme)
        self.status.use(theme)
        self._hidden_console.use(theme)
        self.terminals.use(theme)
        self.lessons.use(theme)

    def follow_settings(self) -> None:
        """Take what the settings say, now and whenever they change."""
        settings, view = self.state.settings, self.console_pane.view
        self.documents.adopt(settings.editor)
        self.documents.programs.use_profiles(settings.programs.profiles)
        self.app.scroll_sensitivity_y = float(max(settings.console.scroll_step, 1))
        view.card_list.code_limit = settings.console.fold_code
        view.painter.timestamps = settings.console.timestamps
        view.relayout()
        self.presenting.follow_mode()
        if self.state.is_set_up:
            self.start(self.plugins.load_configured, "plugins")

    # -- commands and messages --------------------------------------------------------------------

    async def action_command(self, command_id: str) -> None:
        """Do a command that works anywhere: all keys of the workbench are bound to this."""
        await self.commands.run_anywhere(BY_ID[command_id])

    async def deliver(self, message: Message) -> None:
        await self.dispatcher.deliver(message)

    def show_error(self, error: CodeexecError) -> None:
        """Show an error for a while; one that comes again is not shown twice."""
        shown, at = (error.title, str(error)), time.monotonic()
        if shown == self._last_error:
            if at - self._error_at < _SAME_ERROR:
                return  # for each key of what is typed; the first may not be on screen yet
            self.app.clear_notifications()
        self._last_error, self._error_at = shown, at
        self.notify(str(error), title=error.title, severity="error", timeout=8)

    async def ask_user(self, dialog: Screen[R]) -> R | None:
        return await self.app.push_screen_wait(dialog)

    def open_screen(self, screen: Screen[R]) -> None:
        self.app.push_screen(screen)

    def start(self, work: Callable[[], object], group: str, *, exclusive: bool = False) -> None:
        async def run() -> None:
            result = work()
            if isinstance(result, Awaitable):
                await result

        _: Worker[None] = self.run_worker(run, group=group, exclusive=exclusive)

    def repeat(self, seconds: float, call: Callable[[], object]) -> Timer:
        return self.set_interval(seconds, call)

    # -- the session ------------------------------------------------------------------------------

    @property
    def is_leaving(self) -> bool:
        return not self.display

    async def session_opened(self, summary: SessionSummary) -> None:
        """Work in the session's folder; open what the session has open, if no file was named."""
        state = self.state
        self.lessons.session_opened(summary)
        self._use_folder_of(summary)
        if not state.is_set_up and state.options.attach and not state.place.files:
            await self._open_own_files(summary)
        else:
            self._restore_view(summary.session_id)

    def _restore_view(self, session_id: str) -> None:
        """Take kernels of documents, and the split, from the last view of this session."""
        view, shared = self.sharing.load(session_id), self.documents.shared_view
        if view is not None:
            shared.restore_kernels(view)
            shared.restore_pages(view)
            if self.state.is_set_up:
                shared.restore_split(view)

    def _use_folder_of(self, summary: SessionSummary) -> None:
        """Work in the session's folder, which is another one than this where a session was named:
        code runs there, so its files are listed and new ones are made there. One of another machine
        names no folder of this one."""
        if self.state.options.server is not None:
            return
        folder, place = Path(summary.cwd), self.state.place
        if summary.cwd and folder.resolve() != place.folder.resolve():
            self.state.place = Workspace(folder, place.files)
            self.documents.opener.folder = folder

    async def session_failed(self) -> None:
        if not self.state.is_set_up:
            await self._begin("console")

    async def _open_own_files(self, summary: SessionSummary) -> None:
        """Open what a workbench on this session had open last, in the session's own folder."""
        files = self.layout_store.load()
        view = self.sharing.load(summary.session_id)
        if view is None:
            named = tuple(FileView(name) for name in files)
            view = SessionView(named, named[0].name if named else "")
        await self.documents.shared_view.restore(view)
        self._restorer.remember(view.files)
        await self._begin("editor" if self.documents.sheet is not None else "console")
        if view.pane == "terminal":
            self.start(self.terminals.come_back, "terminal")

    def show_frame(self, frame: Frame) -> None:
        """Let every pane take what is new; what waits for all of them is painted once, and only
        later what may change the layout of the side, which takes 20 ms."""
        if self.is_leaving:
            return
        if self.state.last is None:
            begin = self.trust.begin
            call_after(self, _TRUST_AFTER, lambda: self.start(begin, "trust", exclusive=True))
        self.state.last = frame
        if self.machine_files.needs_asking(frame.snapshot):
            self.start(self.machine_files.follow, "machine files", exclusive=True)
        self.widgets.follow(frame)
        with self.app.batch_update():
            self.console_pane.show_frame(frame)
            self.documents.show_frame(frame)
            self.status.show(snapshot=frame.snapshot)
            self._hidden_console.show_frame(frame)
            self._agents.show_frame(frame)
            self._logins.show_frame(frame)
            for screen in self.app.screen_stack:
                if screen is not self and isinstance(screen, FrameListener):
                    screen.show_frame(frame)
        self.lessons.show_frame(frame)
        self.notifier.show_frame(frame)
        self.console.take_next_inputs(frame)
        self.terminals.show_frame(frame)
        self._late_panes.show_frame(frame)

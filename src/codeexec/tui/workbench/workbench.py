"""The workbench screen: panes on one session."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from codeexec.client.api import HostClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import GetUsage, SessionSummary
from codeexec.tui.layout import Layouts
from codeexec.tui.output.peek import OutputPeek
from codeexec.tui.pane_registry import PaneEntry, Place, panes, panes_at, place_of
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.panes.documents.files.recent import RecentFiles
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.session.ask import ask_quietly
from codeexec.tui.session.attach import find_session
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.feed import Frame, FrameListener, frames
from codeexec.tui.session.views import FileView, SessionView
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.textual_ext import gc as garbage
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Divider, Tab, TabStrip
from codeexec.tui.widgets.keys_shown import KeysShown
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.document_actions import DocumentActions
from codeexec.tui.workbench.hidden_console import HiddenConsole
from codeexec.tui.workbench.notify import AnswerWaits
from codeexec.tui.workbench.panes import PaneSet
from codeexec.tui.workbench.presenting import Presenting
from codeexec.tui.workbench.program_actions import ProgramActions
from codeexec.tui.workbench.tour_control import TourControl
from codeexec.tui.workbench.trust_control import TrustControl
from codeexec.tui.workbench.view_sharing import ViewSharing
from codeexec.tui.workbench.wires import Wires

if TYPE_CHECKING:
    from codeexec.tui.context import AppContext
    from codeexec.tui.options import OpenOptions

_USAGE_EVERY = 2.0
"""Seconds between looks at the kernel's memory."""


_SHARE_EVERY = 1.0
"""Seconds between what watchers are shown."""


_FURNISH_AFTER = 0.3
"""Seconds that are left to the first key, the first run, and the kernel's own start."""


_BESIDE_AFTER = 0.04
"""Seconds by which artifacts and variables are updated after the console, which is drawn first."""


def _title(theme: Theme, entry: PaneEntry) -> TabStrip:
    tabs = [Tab(entry.name, entry.title)]
    strip = TabStrip(theme, tabs, id=entry.title_widget)
    strip.add_class("pane-title")
    return strip


class Workbench(Wires, ProgramActions, DocumentActions):
    """Screen of one session; another session gets another workbench."""

    AUTO_FOCUS = ""

    is_set_up = False
    """Its panes are there, with the documents that it began with."""

    def __init__(
        self,
        host: HostClient,
        options: OpenOptions,
        place: Workspace,
        app_context: AppContext,
        opening: Awaitable[SessionSummary] | None = None,
    ) -> None:
        """`opening` is the session, where that is being opened already."""
        super().__init__()
        self.host = host
        self.options = options
        self.place = place
        self.app_context = app_context
        self._opening = opening
        self.session = DeferredSession(self.output_columns)
        self.last: Frame | None = None
        self.answer_waits = AnswerWaits()
        self._beside: list[Frame] = []
        self.panes = PaneSet()
        self.trust = TrustControl(self)
        self.tour = TourControl(self)
        self.presenting = Presenting(self)
        self._layouts = Layouts(app_context.state / "layouts")
        self.sharing = ViewSharing(self, app_context.state / "views")
        self.open_paths: tuple[str, ...] = ()
        self._hidden_console = HiddenConsole(self)

    # -- what is on screen ----------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        theme = self.app_context.theme
        yield TabStrip(theme, id="panes-bar")
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield from self._boxes("left")
            yield Divider(theme, "left-divider").add_class("divider")
            with Vertical(id="centre"):
                editor, *below = self._boxes("centre")
                yield editor
                yield Divider(theme, "centre-divider").add_class("divider")
                yield from below
            yield Divider(theme, "side-divider").add_class("divider")
            with Vertical(id="side"):
                yield from self._boxes("side")
        yield Static("This terminal\nis too small.", id="too-small")
        yield KeysShown(theme)
        yield StatusLine(theme)

    def _boxes(self, place: Place) -> Iterator[Vertical]:
        """Boxes of the panes of a column; those of the centre have their panes from the start."""
        for entry in panes_at(place):
            widgets: list[Widget] = []
            if not entry.title_id:
                widgets.append(_title(self.app_context.theme, entry))
            if place == "centre":
                widgets.append(self.panes.build(entry, self._pane_context()))
            yield Vertical(*widgets, id=f"{entry.name}-box")

    def _pane_context(self) -> BuildContext:
        app_context = self.app_context
        return BuildContext(
            self.place.folder,
            self.session,
            app_context.me,
            app_context.theme,
            app_context.graphics,
            app_context.swaps,
            self.panes.find,
        )

    async def on_mount(self) -> None:
        self.console_pane = self.query_one(ConsolePane)
        self.documents = self.query_one(DocumentsPane)
        self.status = self.query_one(StatusLine)
        self.documents.opener.folder = self.place.folder
        self.documents.opener.recent = RecentFiles(self.app_context.state / "recent.json")
        self.follow_settings()
        settings = self.app_context.settings
        self.console_pane.graphics = self.app_context.graphics
        files = self._load_layout()
        if settings.appearance.presentation:
            self.present(True)
        self.console_pane.connect(self.session, watch_only=self.options.watch)
        self.documents.context.session = self.session
        self.documents.context.kernel_focus = self.session.focus
        self.documents.context.watch_only = self.options.watch
        self._show_watching()
        self.run_worker(self._work(), group="session")
        self.run_worker(self._follow_link(), group="link")
        self.set_interval(_USAGE_EVERY, self._look_at_usage)
        self.set_interval(_SHARE_EVERY, self._share_or_follow)
        if self.options.attach and not self.place.files:
            self.lay_out()
            self.action_go("console")
            return  # the session says which files are its own
        opened = self.place.files or tuple(Path(name) for name in files if Path(name).is_file())
        for path in opened:
            await self.documents.opener.open(path)
        if len(opened) > 1:
            await self.documents.opener.open(opened[0])
        await self._begin()

    async def _begin(self) -> None:
        """The documents are open: the rest of the screen follows."""
        if not self.options.watch:
            await self.documents.opener.restore_untitled(self.place.folder)
        self.lay_out()
        self.action_go("editor" if self.place.files else "console")
        self.is_set_up = True
        self.set_timer(_FURNISH_AFTER, self._furnish)
        if self.options.demo:
            await self.tour.begin()

    def action_tour(self) -> None:
        self.tour.toggle()

    def action_tour_step(self, by: int) -> None:
        self.tour.step(by)

    def lay_out(self) -> None:
        if not self.app.is_running:
            return  # the program ends: a worker that comes late finds some boxes gone already
        super().lay_out()
        # The cursor's place means nothing while the editor is not on screen.
        self.query_one(StatusLine).show(shows_position=self.box("editor").display)
        if (artifacts := self.panes.artifacts) is not None:
            single = self.front if self.is_compact else self.alone
            artifacts.fill(single == "artifacts" or self.is_presenting)
        self.presenting.show_code_once()

    @work(group="furnish", exclusive=True)
    async def _furnish(self) -> None:
        """Mount the side panes after editor and console are on screen."""
        is_complete = await self.panes.mount_late(self, self._pane_context())
        if is_complete and self.last is not None:
            self.panes.show_everything(self.last.snapshot)
            self.panes.show_stored(self.documents.stored.views)
        if is_complete and self.query("#left-divider"):  # else it is being left
            self.lay_out()
        if is_complete and place_of(self.front) != "centre":
            self.action_go(self.front)  # the user chose the pane before it was mounted
        garbage.keep()

    @work(group="trust", exclusive=True)
    async def _begin_trust(self) -> None:
        await self.trust.begin()

    @work(group="trust", exclusive=True)
    async def ask_for_trust(self) -> None:
        await self.trust.ask()

    @work(group="trust", exclusive=True)
    async def action_trust(self) -> None:
        await self.trust.change()

    def note_presenting(self) -> None:
        self.presenting.follow_mode()

    def show_code_once(self) -> None:
        self.presenting.show_code_once()

    def has_content(self, pane: str) -> bool:
        if pane == "artifacts":
            return self.panes.artifacts is not None and not self.panes.artifacts.is_empty
        return super().has_content(pane)

    def on_descendant_focus(self) -> None:
        focused_pane = self.here
        for entry in panes():
            title = self.query_one(f"#{entry.title_widget}", TabStrip)
            title.light(entry.name == focused_pane)
        if focused_pane != self.front:
            self.front = focused_pane
            if self.is_compact or self.is_presenting:
                self.lay_out()
        if focused_pane == "editor":
            self.documents.front.post_position()

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        for strip in self.query(TabStrip):
            strip.use(theme)
        for divider in self.query(Divider):
            divider.use(theme)
        self.console_pane.use(theme)
        self.documents.use(theme)
        self.query_one(KeysShown).use(theme)
        self.status.use(theme)
        self._hidden_console.use(theme)

    def follow_settings(self) -> None:
        """Take what the settings say, now and whenever they change."""
        settings, view = self.app_context.settings, self.console_pane.view
        self.documents.adopt(settings.editor)
        self.app.scroll_sensitivity_y = float(max(settings.console.scroll_step, 1))
        view.card_list.code_limit = settings.console.fold_code
        view.painter.timestamps = settings.console.timestamps
        view.relayout()
        self.presenting.follow_mode()

    def console_came(self) -> None:
        self._hidden_console.hide()

    @on(OutputPeek.Clicked)
    def go_to_console(self, event: OutputPeek.Clicked) -> None:
        event.stop()
        self.action_go("console")

    @on(DocumentsPane.Edited)
    def note_edit(self) -> None:
        self._hidden_console.note_edit()

    @on(DocumentsPane.TabsChanged)
    def note_tabs(self, event: DocumentsPane.TabsChanged) -> None:
        if event.paths != self.open_paths:
            self.open_paths = event.paths
            self.keep_layout()  # now, also for those whose terminal is killed

    def _load_layout(self) -> tuple[str, ...]:
        """Take the layout that was stored for the folder; the files that were open."""
        self.arrangement, files = self._layouts.load(self.place.folder)
        self.panes.restore(self._layouts.load_panes(self.place.folder))
        return files

    def keep_layout(self) -> None:
        """Remember how things are for the next time in this folder."""
        if self.options.watch:
            return
        self._layouts.save(
            self.place.folder, self.kept_arrangement, self.open_paths, self.panes.states()
        )
        self.sharing.save()

    # -- watching ---------------------------------------------------------------------------------

    def _show_watching(self) -> None:
        label = "watching only · following" if self.sharing.follows else "watching only · let go"
        self.status.show(watching=label if self.options.watch else "")

    def action_follow(self) -> None:
        if not self.options.watch:
            self.notify("Nothing to follow: this workbench was not attached with --watch.")
            return
        self.sharing.toggle()
        self._show_watching()

    def _share_or_follow(self) -> None:
        if self.options.watch:
            self.run_worker(self.sharing.follow(), group="follow", exclusive=True)
        else:
            self.sharing.share()

    # -- the session ------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Open the session, and show its frames for as long as there are any."""
        try:
            settings = self.app_context.settings
            opening = self._opening
            if opening is None:
                opening = find_session(self.host, self.options, self.place, settings)
            summary = await opening
        except CodeexecError as error:
            self.session.give_up(error)
            self.say_failed(error)
            if not self.is_set_up:
                await self._begin()
            return
        if self.is_leaving:
            return
        session = self.host.session(summary.session_id)
        self.session.become(session)
        if not self.is_set_up and self.options.attach and not self.place.files:
            await self._open_own_files(summary)
        else:
            self._use_folder_of(summary)
            self._restore_view(summary.session_id)
        try:
            async for frame in frames(session.events(0, "latest"), focus=self.session.focus):
                self.show_frame(frame)
        except CodeexecError as error:
            self.say_failed(error)
        if not self.is_leaving:
            self.status.show(ended=True)

    @property
    def is_leaving(self) -> bool:
        """Whether this screen is being removed: its panes may be gone before its workers end."""
        return not self.display

    def _restore_view(self, session_id: str) -> None:
        """Take kernels of documents, and the split, from the last view of this session."""
        view = self.sharing.load(session_id)
        if view is not None:
            self.documents.shared_view.restore_kernels(view)
            if self.is_set_up:
                self.documents.shared_view.restore_split(view)

    def _use_folder_of(self, summary: SessionSummary) -> None:
        """Work in the session's folder, which is another one than this where a session was named:
        code runs there, so its files are listed and new ones are made there."""
        folder = Path(summary.cwd)
        if summary.cwd and folder.resolve() != self.place.folder.resolve():
            self.place = Workspace(folder, self.place.files)
            self.documents.opener.folder = self.place.folder

    async def _open_own_files(self, summary: SessionSummary) -> None:
        """Open what a workbench on this session had open last, in the session's own folder."""
        self._use_folder_of(summary)
        files = self._load_layout()
        view = self.sharing.load(summary.session_id)
        if view is None:
            named = tuple(FileView(name) for name in files)
            view = SessionView(named, named[0].name if named else "")
        await self.documents.shared_view.restore(view)
        await self._begin()

    def show_frame(self, frame: Frame) -> None:
        """Let every pane take what is new; what waits for all of them is painted once, and only
        later what may change the layout of the side, which takes 20 ms."""
        if self.is_leaving:
            return
        if self.last is None:
            self.set_timer(_FURNISH_AFTER, self._begin_trust)
        self.last = frame
        with self.app.batch_update():
            self.console_pane.show_frame(frame)
            self.documents.show_frame(frame)
            self.status.show(snapshot=frame.snapshot)
            self._hidden_console.show_frame(frame)
            for screen in self.app.screen_stack:
                if screen is not self and isinstance(screen, FrameListener):
                    screen.show_frame(frame)
        self.tell_news(frame)
        self.take_next_inputs(frame)
        if not self.panes.are_complete:
            return  # they are shown all of it when they come
        self._beside.append(frame)
        if len(self._beside) == 1:
            self.set_timer(_BESIDE_AFTER, self._show_beside)

    def _show_beside(self) -> None:
        frames, self._beside = self._beside, []
        if self.is_leaving:
            return
        had_content = self.has_content("artifacts")
        with self.app.batch_update():
            for frame in frames:
                self.panes.show_frame(frame)
            self.panes.follow_document()
            if self.is_presenting and not had_content and self.has_content("artifacts"):
                self.lay_out()

    async def _follow_link(self) -> None:
        async for link in self.host.links():
            self.status.show(link=link)
            if link.state == "closed" and link.problem:
                self.notify(link.problem, title="Not connected", severity="error", timeout=30)

    def _look_at_usage(self) -> None:
        if self.last is not None and self.host.link.state == "connected":
            self.run_worker(self._read_usage(), group="usage", exclusive=True)

    async def _read_usage(self) -> None:
        usage = await ask_quietly(self.session, GetUsage())
        if usage is not None:
            self.status.show(usage=usage)
            others = [client.name for client in usage.clients]
            if self.app_context.me in others:
                others.remove(self.app_context.me)
            self.console_pane.view.show_others(frozenset(others))

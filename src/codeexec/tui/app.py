"""The Textual application: themes, keys, signals, and the start and end of the workbench."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from textual import events, on, work
from textual.actions import ActionParseResult
from textual.app import App, ScreenStackError
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen

from codeexec.client.api import HostClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import SessionSummary
from codeexec.domain.text.printable import printable
from codeexec.tui.commands.scopes import all_places, menu, places
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.context import AppContext
from codeexec.tui.messages import Attach, Depart, ThemeChosen
from codeexec.tui.options import OpenOptions
from codeexec.tui.render.clusters import ClusterFilter
from codeexec.tui.render.plain import one_line
from codeexec.tui.screens.palette import CommandChooser
from codeexec.tui.session.watch_only import refusal, refuses
from codeexec.tui.session.workspace import workspace_of
from codeexec.tui.textual_ext import gc as garbage
from codeexec.tui.textual_ext import terminal_replies
from codeexec.tui.textual_ext.driver import FollowingDriver, StartScreen
from codeexec.tui.textual_ext.legacy_keys import teach
from codeexec.tui.textual_ext.terminal_replies import TerminalAnswered
from codeexec.tui.textual_ext.workers import Workers, is_of_taking_down
from codeexec.tui.theme.color_depth import Depth
from codeexec.tui.theme.colors import Color
from codeexec.tui.theme.theme import Theme, preferred_theme, to_textual
from codeexec.tui.workbench.key_order import KeyHandled, KeyOrder
from codeexec.tui.workbench.workbench import Workbench

if TYPE_CHECKING:
    from codeexec.tui.screens.settings import SettingsScreen


class WorkbenchApp(App[str]):
    """Application of the workbench. `run_async` returns the message to print after the screen has
    been left.

    The caller owns the session manager's client and closes it.
    """

    CSS_PATH = Path(__file__).parent / "styles" / "workbench.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = False
    TITLE = "codeexec-tui"

    def __init__(
        self,
        host: HostClient,
        options: OpenOptions,
        app_context: AppContext,
        cwd: Path | None = None,
        typed: bytes = b"",
        *,
        opening: Awaitable[SessionSummary] | None = None,
        start: StartScreen | None = None,
    ) -> None:
        """`typed` is what came from the keyboard before there was a program to read it,
        `opening` the session, where that is being opened already, and `start` what has had the
        terminal until now."""
        super().__init__(driver_class=FollowingDriver if start is not None else None)
        self._workers = Workers(self)
        teach()
        terminal_replies.teach()
        self._host = host
        self._other_hosts: list[HostClient] = []
        """Of servers that the user has changed to; the first host belongs to our caller."""
        self._options = options
        self.app_context = app_context
        self._cwd = cwd or Path.cwd()
        self._typed = typed
        self._opening = opening
        self._start = start
        self._palette_filter: LineFilter | None = None
        self._is_hung_up = False
        self._early: list[events.Key | events.Paste] = []
        self._takes_keys = False
        self._key_order = KeyOrder(self, super().on_event)
        self.fault: CodeexecError | None = None
        """Why it has ended, where that was not meant."""
        self._use_theme(app_context.theme)
        if not app_context.clusters:
            self._filters.append(ClusterFilter())
        self.set_keymap(dict(app_context.keymap.keys))
        self._mapped_keys = {key for keys in self._keymap.values() for key in keys.split(",")}
        """Keys that the user has chosen for commands."""
        if not app_context.settings.appearance.animations:
            self.animation_level = "none"

    @property
    def workbench(self) -> Workbench:
        """The one on screen, whatever dialog may be over it."""
        for screen in self.screen_stack:
            if isinstance(screen, Workbench):
                return screen
        raise ScreenStackError("The workbench is not on screen.")

    async def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            # SIGINT too: asyncio's own answer to it is to cancel this task, the message loop.
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._hang_up)
        except (NotImplementedError, RuntimeError, ValueError):
            pass  # not the main thread, as in tests: then no hang-up signal comes either
        await self.push_screen(self._make(self._options, self._opening))
        for problem in self.app_context.keymap.problems:
            self.notify(str(problem), title="Keys", severity="warning", markup=False)
        for trouble in self.app_context.loaded.problems:
            message = f"{trouble} {trouble.next_step}"
            self.notify(message, title="Settings", severity="warning", markup=False)
        self.call_after_refresh(self._take_keys)
        # Nor is what little garbage there is of the start collected first: that takes 40 to 70 ms.
        garbage.begin()
        self.set_interval(garbage.LOOK_EVERY, self._tidy)

    def _tidy(self) -> None:
        garbage.tidy(time.monotonic() - self.app_context.key_at)

    def _make(
        self, options: OpenOptions, opening: Awaitable[SessionSummary] | None = None
    ) -> Workbench:
        place = workspace_of(options.files, self._cwd)
        return Workbench(self._host, options, place, self.app_context, opening)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast: whatever it says came from outside, and nothing in it is markup."""
        super().notify(
            printable(message, lines=True).expandtabs(),
            title=one_line(title),
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def copy_to_clipboard(self, text: str) -> None:
        """The text as it is, but for what no encoding can hold: names of files in another one."""
        super().copy_to_clipboard(text.encode("utf-8", "replace").decode("utf-8"))

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if self._start is not None and renderable is not None and not self._batch_count:
            self.take_screen()
        super()._display(screen, renderable)

    def take_terminal(self) -> list[Any] | None:
        """Take over the terminal from the first frame; its mode before, where there was one."""
        return self._start.give_up_screen() if self._start is not None else None

    def take_screen(self) -> None:
        """Stop the first frame: from now on only Textual writes to the screen."""
        if self._start is not None:
            self._start.give_way()
            self._start = None
            if self._driver is not None:
                # As the driver has it; the start may have had another.
                self._driver.write("\x1b[?7l")

    async def on_event(self, event: events.Event) -> None:
        """Keys that come before a pane has them wait for it."""
        if isinstance(event, events.InputEvent):
            self.app_context.key_at = time.monotonic()
        if isinstance(event, events.Key) and not event.is_forwarded and self._takes_keys:
            self.workbench.presenting.note_key(event, self.screen)
        if event.is_forwarded:
            await super().on_event(event)
        elif isinstance(event, events.Key | events.Paste) and not self._takes_keys:
            self._early.append(event)
        elif isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseUp):
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Textual copies the bindings of all widgets above the focus for this, at each key, which
        takes 0.2 ms; few keys come before the widget that has the focus."""
        if priority and not self._comes_first(key):
            return False
        return await super()._check_bindings(key, priority)

    def _comes_first(self, key: str) -> bool:
        """Whether a binding may take the key before the widget that has the focus."""
        focused = self.focused
        if focused is None or key in self._mapped_keys:
            return True
        return any(
            binding.priority
            for node in focused.ancestors_with_self
            for binding in node._bindings.key_to_bindings.get(key, ())
        )

    @on(KeyHandled)
    def note_key(self, event: KeyHandled) -> None:
        self._key_order.handled(event.number)

    async def _take_keys(self) -> None:
        """Keys that were pressed before we could read them come before those pressed now."""
        if self.workbench.focused is None:
            self.call_after_refresh(self._take_keys)
            return
        for message in terminal_replies.early_keys(self._typed.decode("utf-8", "replace")):
            if isinstance(message, events.Key | events.Paste):
                await self._key_order.take(message)
            elif isinstance(message, events.Event):
                await super().on_event(message)
        while self._early:
            await self._key_order.take(self._early.pop(0))
        self._takes_keys = True

    def _hang_up(self) -> None:
        """The terminal is gone: keep what is unsaved, and detach."""
        self._is_hung_up = True
        if any(
            isinstance(screen, Workbench) and screen.state.is_set_up for screen in self.screen_stack
        ):
            self.workbench.documents.keep_unsaved()
            self.workbench.layout_store.save()
        self.exit("")

    def _handle_exception(self, error: Exception) -> None:
        """End as a detach does after an internal error: keep unsaved text, and write the report to
        a file instead of filling the screen."""
        if self._is_hung_up or is_of_taking_down(error, self):
            return
        is_first = self._exception is None
        super()._handle_exception(error)
        self._exit_renderables.clear()
        if is_first:
            self.fault = self._report(error)

    def let_go(self) -> None:
        """End the thread that reads the keyboard: Python would wait for it at its own end."""
        if isinstance(self._driver, LinuxDriver):
            self._driver.exit_event.set()

    async def close_hosts(self) -> None:
        """Detach from the servers that the user has changed to."""
        for host in self._other_hosts:
            await host.close()

    def _report(self, error: Exception) -> CodeexecError:
        workbench = next(
            (screen for screen in self.screen_stack if isinstance(screen, Workbench)), None
        )
        name = ""
        if workbench is not None and workbench.state.last is not None:
            name = workbench.state.snapshot.name
            workbench.documents.keep_unsaved()
        summary = traceback.format_exception_only(error)[-1].strip()
        next_step = f"The session goes on: {self._options.attach_command(name)}"
        file = self.app_context.state / "fault.txt"
        try:
            file.write_text("".join(traceback.format_exception(error)), "utf-8")
        except OSError:
            return CodeexecError(f"The workbench has failed: {summary}", next_step)
        return CodeexecError(
            f"The workbench has failed: {summary}", f"{next_step}\nWhat went wrong is in {file}"
        )

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Keys, menus and the palette come here: what writes is refused where one only watches."""
        workbench = next((one for one in self.screen_stack if isinstance(one, Workbench)), None)
        is_watched = workbench is not None and workbench.state.options.watch
        if is_watched and refuses(action, on_workbench=self.screen is workbench):
            self.workbench.show_error(refusal())
            return True
        return await super().run_action(action, default_namespace, namespaces)

    async def action_quit(self) -> None:
        """Textual's own key for leaving must not pass over what would be lost."""
        self.workbench.leaving.detach()

    # -- help on screens of their own, where nothing of the workbench is bound ---------------------

    @work(group="palette", exclusive=True)
    async def action_help(self) -> None:
        from codeexec.tui.screens.keys import KeysScreen  # not at the start

        if isinstance(self.screen, KeysScreen):
            self.screen.action_leave()  # the same key closes it
            return
        scopes = places(self.screen)
        keys = self.app_context.keymap.keys
        chosen = await self.push_screen_wait(KeysScreen(keys, all_places(tuple(scopes))))
        await self._run_chosen(chosen, scopes)

    @work(group="palette", exclusive=True)
    async def action_palette(self) -> None:
        scopes = places(self.screen)
        chosen = await self.push_screen_wait(
            CommandChooser("Commands", menu(tuple(scopes)), self.app_context.keymap, near=scopes)
        )
        await self._run_chosen(chosen, scopes)

    async def _run_chosen(self, chosen: str | None, scopes: Mapping[str, DOMNode]) -> None:
        """Do what was chosen, by the part that is there."""
        if chosen is not None and (target := scopes.get(BY_ID[chosen].where)) is not None:
            await self.run_action(BY_ID[chosen].action, default_namespace=target)

    # -- what screens ask -------------------------------------------------------------------------

    @on(Depart)
    def depart(self, event: Depart) -> None:
        self.workbench.layout_store.save()
        self.exit(event.message)

    @on(Attach)
    async def attach(self, event: Attach) -> None:
        self.workbench.layout_store.save()
        self._options = event.options
        if event.host is not None:
            self._host = event.host
            self._other_hosts.append(event.host)
        await self.switch_screen(self._make(event.options))

    def on_settings_screen_setting_changed(self, event: SettingsScreen.SettingChanged) -> None:
        """Take the settings as they are now; what is on screen follows at once."""
        self.app_context.loaded = event.loaded
        look = event.loaded.settings.appearance
        key = preferred_theme(os.environ, look.theme or None)
        if (colors := self.app_context.colors) is not None:
            colors.setting = look.colors
            self._use_depth(colors.depth)
        self.choose_theme(ThemeChosen(key))
        self.animation_level = "full" if look.animations else "none"
        self.workbench.follow_settings()

    @on(ThemeChosen)
    def choose_theme(self, event: ThemeChosen) -> None:
        try:
            theme = self.app_context.themes.get(event.key)
        except CodeexecError as error:
            self.workbench.show_error(error)
            return
        if (
            theme is not None
            and (theme := theme.at(self.app_context.theme.depth)) != self.app_context.theme
        ):
            self.show_theme(theme)

    # -- how many colours there are ----------------------------------------------------------------

    @on(TerminalAnswered)
    def note_answer(self, event: TerminalAnswered) -> None:
        """A slow line: what the terminal says now may be that it has more colours, or fewer."""
        if (colors := self.app_context.colors) is not None:
            colors.note(event.answers.true_color, event.answers.version)
            self._use_depth(colors.depth)
        if event.answers.clusters and not self.app_context.clusters:
            self.app_context.clusters = True
            for line_filter in self._filters:
                line_filter.enabled &= not isinstance(line_filter, ClusterFilter)
            self.workbench.use(self.app_context.theme)

    def _use_depth(self, depth: Depth) -> None:
        theme = self.app_context.theme
        if depth != theme.depth:
            self.show_theme(self.app_context.themes[theme.key].at(depth))

    def show_theme(self, theme: Theme) -> None:
        """Paint everything with this theme, in as many colours as it has."""
        self.app_context.theme = theme
        self._use_theme(theme)
        self.workbench.use(theme)

    def _limit_colors(self, theme: Theme) -> None:
        """Let nothing reach the terminal that is not one of its colours."""
        self._filters[:] = [
            line_filter for line_filter in self._filters if line_filter is not self._palette_filter
        ]
        self._palette_filter = None
        depth = theme.depth
        if depth != "truecolor":
            from codeexec.tui.theme.palette_filter import (
                PaletteFilter,  # not where there is true colour
            )

            surface = Color.parse(theme.color("surface"))
            self._palette_filter = PaletteFilter(depth, surface)
            self._filters.append(self._palette_filter)
        self.set_class(depth == "16", "-sixteen")

    def _use_theme(self, theme: Theme) -> None:
        self._limit_colors(theme)
        textual_theme = to_textual(theme)
        self.register_theme(textual_theme)
        self.theme = textual_theme.name

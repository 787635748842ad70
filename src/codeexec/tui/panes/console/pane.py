"""The console pane: cards, bars and prompt, and their requests to the session."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Label

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.events import StdinRequested
from codeexec.domain.outputs import Display, MimePart
from codeexec.tui.commands.table import bindings, of
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.bodies import data_of
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.output.rows import PAGE
from codeexec.tui.panes.console.actions import CardActions
from codeexec.tui.panes.console.bars import AnswerBar, SearchBar
from codeexec.tui.panes.console.popup import CompletionPopup, DocsPopup
from codeexec.tui.panes.console.prompt import Prompt
from codeexec.tui.panes.console.prompts import Prompts
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.render.highlight import highlight
from codeexec.tui.session.ask import (
    NO_DOCS,
    CommandRequested,
    NoticePosted,
    ask,
    ask_quietly,
    focus_now,
)
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.render.traceback import TracebackFrame

_PATIENCE = 0.4
"""Seconds that Enter waits for the kernel's word on whether code is complete."""


_CARD_ACTIONS = frozenset(command.action.partition("(")[0] for command in of("console"))


def build(context: BuildContext) -> ConsolePane:
    return ConsolePane(context.theme, context.me)


class ConsolePane(CardActions, Vertical):
    """`show_frame` takes frames; what is typed goes to the session by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("console")]

    DEFAULT_CSS = """
    ConsolePane {
        width: 1fr; height: 1fr; layout: vertical; overflow: hidden hidden;
        layers: default popup;
    }
    ConsolePane #prompt-row { height: auto; max-height: 14; padding: 0 0 0 2; }
    ConsolePane #prompt-label { width: auto; height: 1; }
    """

    @dataclass
    class SourceRequested(Message):
        """Show where a frame of a traceback is."""

        frame: TracebackFrame

    @dataclass
    class DisplayOpened(Message):
        """`outside`: it is to be opened in another program, such as a browser."""

        display: Display
        outside: bool = False

    @dataclass
    class InterruptRequested(Message):
        pass

    @dataclass
    class HistoryRequested(Message):
        """Let the person search what was run before; the answer goes into the prompt."""

    @dataclass
    class AnswerAwaited(Message):
        """A cell waits for input; `origin` is the client that ran it."""

        request: StdinRequested
        origin: str

    @dataclass
    class AnswerOver(Message):
        """It has got it, and the keys go back to where they came from."""

        pane: str

    def __init__(self, theme: Theme, me: str = "", id: str = "console") -> None:
        super().__init__(id=id)
        self.me = me
        self._theme = theme
        self.session: SessionClient | None = None
        self.graphics = Graphics()
        self._prompts = Prompts()
        self._is_dead = False
        self._came_from = ""

    def compose(self) -> ComposeResult:
        yield ConsoleView(self._theme, self.me, id="cards")
        yield SearchBar()
        yield AnswerBar()
        with Horizontal(id="prompt-row"):
            yield Label("[1] ", id="prompt-label", markup=False)
            yield Prompt(self._theme, id="prompt")
        yield CompletionPopup()
        yield DocsPopup()

    def on_mount(self) -> None:
        # Looked up once: these are asked for at every frame.
        self.view = self.query_one(ConsoleView)
        self.prompt = self.query_one(Prompt)
        self.answer = self.query_one(AnswerBar)
        self.search = self.query_one(SearchBar)
        self.completions = self.query_one(CompletionPopup)
        self.docs = self.query_one(DocsPopup)
        self._label = self.query_one("#prompt-label", Label)
        self.prompt.in_color = self.view.painter.colors = False
        self.run_worker(self._warm(), group="warm")

    async def _warm(self) -> None:
        """Lexers take 50 ms to be made: in a thread, while code is shown without colours."""
        await asyncio.to_thread(highlight, "x = 1", self.prompt.language_name, self._theme)
        self.prompt.show_colors()
        self.view.show_colors(True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Single letters act on cards only while the cards have the keys."""
        return self.view.has_focus if action in _CARD_ACTIONS else True

    # -- what comes in -------------------------------------------------------------------------

    def connect(self, session: SessionClient, *, watch_only: bool = False) -> None:
        """Ask this session from now on."""
        self.session = session
        self.prompt.read_only = watch_only
        self.run_worker(self._read_history(), group="history")

    async def _read_history(self) -> None:
        history = await ask_quietly(self.session, q.SearchHistory(limit=500))
        if history is not None:
            self.prompt.remember([entry.code for entry in reversed(history.entries)])

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.view.use(theme)
        self.prompt.use(theme)

    def show_frame(self, frame: Frame) -> None:
        self.view.show_frame(frame)
        language = frame.snapshot.kernel.language
        if language and language != self.prompt.language_name:
            self.prompt.language_name = language
        asking = frame.snapshot.asking
        stdin = asking.stdin if asking is not None else None
        was_waiting = self.answer.waits
        if self.answer.ask(stdin) and stdin is not None and asking is not None:
            # Without a focus, the bar had it and was hidden: this is the next question of several.
            if self.screen.focused is not None and not self.answer.has_focus_within:
                self._came_from = ""
            self.post_message(self.AnswerAwaited(stdin, asking.origin))
            if self.has_focus_within:
                self.answer.take_focus()
        # Once for each answer: the next frame may come before `AnswerOver` has moved the focus.
        elif was_waiting and stdin is None and self.answer.has_focus_within:
            if self._came_from:
                self.post_message(self.AnswerOver(self._came_from))
            else:
                self.prompt.focus()
        self._is_dead = frame.snapshot.kernel.state == "dead"
        self._prompts.follow(frame, self.prompt)
        label = self._prompts.label(frame.snapshot)
        if (current := str(self._label.content)) != label:
            # A layout goes through every widget: only where the width changes.
            self._label.update(label, layout=len(current) != len(label))

    async def follow_place(self, place: tuple[str, int] | None) -> None:
        """Scroll to where another workbench is; None: to the end."""
        card = await self.card_of(place[0]) if place is not None else None
        if place is None:
            self.view.go_to_end()
        elif card is not None:
            self.view.go_to_place(card, place[1])

    def take_focus(self) -> None:
        self.focus_prompt()

    def focus_prompt(self) -> None:
        """At once, as what is typed next is meant for it; where a cell waits, for the answer."""
        focus_now(self.answer.field if self.answer.waits else self.prompt)

    def lead_to_answer(self, came_from: str) -> None:
        """Let the answer be typed, and then go back to the pane that one comes from."""
        self._came_from = came_from
        focus_now(self.answer.field)

    # -- the prompt ----------------------------------------------------------------------------

    async def execute(self, code: str) -> None:
        """Run code that was typed here."""
        self.view.go_to_end()
        await ask(self, self.session, q.Execute(code, origin=self.me))

    @on(Prompt.Submitted)
    async def run_prompt(self, event: Prompt.Submitted) -> None:
        event.stop()
        self._close_popups()
        self.view.selected = None
        self.run_worker(self.execute(event.code), group="execute")

    @on(Prompt.EmptySubmitted)
    def start_kernel(self, event: Prompt.EmptySubmitted) -> None:
        """Where the kernel has ended, Enter starts another."""
        event.stop()
        if self._is_dead:
            self.post_message(CommandRequested(self.view.start_command))

    @on(Prompt.Undecided)
    def ask_whether_complete(self, event: Prompt.Undecided) -> None:
        event.stop()
        self.run_worker(self._decide(event.code), group="decide", exclusive=True)

    async def _decide(self, code: str) -> None:
        """Run, or go on in a new line; a kernel that does not answer in time is not waited for."""
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await ask_quietly(self.session, q.IsComplete(code))
        except TimeoutError:
            reply = None
        if self.prompt.text != code:
            return
        if reply is not None and reply.status == "incomplete":
            self.prompt.break_line(reply.indent)
        else:
            self.prompt.submit()

    @on(Prompt.ScrollRequested)
    def scroll_cards(self, event: Prompt.ScrollRequested) -> None:
        event.stop()
        # Documentation that is open lies over the cards: it is what one looks at.
        target = self.docs if self.docs.display else self.view
        by = event.pages * max(target.size.height - 1, 1)
        target.scroll_relative(y=by, animate=False)

    @on(Prompt.CardsRequested)
    def go_to_cards(self, event: Prompt.CardsRequested) -> None:
        event.stop()
        if self.view.card_list.cards:
            focus_now(self.view)
            self.view.select(self.view.card_list.shown(self.view.card_list.cards[-1]))

    @on(Prompt.PromptInterruptRequested)
    def pass_interrupt(self, event: Prompt.PromptInterruptRequested) -> None:
        event.stop()
        self.post_message(self.InterruptRequested())

    @on(Prompt.PromptLeaveRequested)
    def pass_leave(self, event: Prompt.PromptLeaveRequested) -> None:
        event.stop()
        self.post_message(CommandRequested("app.leave"))

    @on(Prompt.HistorySearchRequested)
    def pass_history(self, event: Prompt.HistorySearchRequested) -> None:
        event.stop()
        self.post_message(self.HistoryRequested())

    # -- completion and documentation ----------------------------------------------------------

    @on(Prompt.PromptCompletionRequested)
    def ask_completions(self, event: Prompt.PromptCompletionRequested) -> None:
        event.stop()
        self.run_worker(self._complete(event.code, event.cursor), group="ask", exclusive=True)

    async def _complete(self, code: str, cursor: int) -> None:
        completion = await ask_quietly(self.session, q.Complete(code, cursor))
        if completion is None or not completion.matches or not self._is_still_at(code, cursor):
            return
        if len(completion.matches) == 1:
            self._insert(completion.matches[0].text, completion.start, completion.end)
            return
        self._place(self.completions)
        self.completions.offer(completion.matches, completion.start, completion.end)
        self.prompt.has_popup = True

    def _is_still_at(self, code: str, cursor: int) -> bool:
        """Whether the prompt is as it was when something was asked about it."""
        prompt = self.prompt
        return prompt.has_focus and prompt.text == code and prompt.cursor_offset == cursor

    def _place(self, popup: CompletionPopup | DocsPopup) -> None:
        bottom = self.prompt.size.height + self.answer.size.height * self.answer.display
        popup.styles.margin = (0, 0, max(bottom, 1), 6)

    def _insert(self, text: str, start: int, end: int) -> None:
        code = self.prompt.text
        self.prompt.text = code[:start] + text + code[end:]
        head = (code[:start] + text).split("\n")
        self.prompt.move_cursor((len(head) - 1, len(head[-1])))

    @on(Prompt.PopupKey)
    def steer_popup(self, event: Prompt.PopupKey) -> None:
        event.stop()
        match event.key:
            case "up" | "down":
                self.completions.move(-1 if event.key == "up" else 1)
            case "escape":
                self._close_popups()
            case _:
                self.take_completion()

    @on(CompletionPopup.Chosen)
    def take_completion(self) -> None:
        chosen = self.completions.chosen
        self._close_popups()
        if chosen is not None:
            self._insert(chosen.text, self.completions.start, self.completions.end)
        self.prompt.focus()

    @on(Prompt.Changed)
    def note_change(self, event: Prompt.Changed) -> None:
        event.stop()
        if self.completions.display or self.docs.display:
            self._close_popups()

    def _close_popups(self) -> None:
        self.completions.close()
        self.docs.close()
        self.prompt.has_popup = False

    @on(Prompt.DocsRequested)
    def ask_docs(self, event: Prompt.DocsRequested) -> None:
        event.stop()
        self.run_worker(self._inspect(event.code, event.cursor), group="ask", exclusive=True)

    async def _inspect(self, code: str, cursor: int) -> None:
        reply = await ask(self, self.session, q.Inspect(code, cursor))
        if reply is not None and not reply.found:
            self.post_message(NoticePosted(NO_DOCS))
        elif reply is not None and self._is_still_at(code, cursor):
            self._place(self.docs)
            self.docs.show(reply.text)
            self.prompt.has_popup = True

    @on(AnswerBar.Answered)
    def send_answer(self, event: AnswerBar.Answered) -> None:
        event.stop()
        request = q.AnswerStdin(event.request_id, event.text, origin=self.me)
        self.tell(request)

    # -- what the cards need -------------------------------------------------------------------

    @on(ConsoleView.RowsRequested)
    def read_rows(self, event: ConsoleView.RowsRequested) -> None:
        event.stop()
        for execution_id, number in event.pages:
            self.run_worker(self._read_page(execution_id, number * PAGE), group="pages")

    async def _read_page(self, execution_id: str, start: int) -> None:
        page = await ask_quietly(self.session, q.ReadRows(execution_id, start, PAGE))
        if page is None:
            self.view.output.pages.give_up(execution_id, start)
        else:
            self.view.take_rows(execution_id, start, page.runs)

    @on(ConsoleView.ExecutionsRequested)
    def read_executions(self, event: ConsoleView.ExecutionsRequested) -> None:
        event.stop()
        self.run_worker(self.read_before(event.before), group="executions")

    @on(ConsoleView.ExecutionStale)
    def read_stale(self, event: ConsoleView.ExecutionStale) -> None:
        event.stop()
        self.run_worker(self._read_again(event.execution_id), group="executions")

    async def _read_again(self, execution_id: str) -> None:
        reply = await ask_quietly(self.session, q.ReadExecution(execution_id))
        if reply is not None:
            self.view.refresh_execution(reply.execution)

    @on(ConsoleView.ImageRequested)
    def paint_image(self, event: ConsoleView.ImageRequested) -> None:
        event.stop()
        self.run_worker(self._paint(event.request), group="images")

    async def content(self, part: MimePart) -> bytes | None:
        """The bytes of a form of a display, wherever they are."""
        data = data_of(part)
        if data is None and part.blob is not None:
            blob = await ask_quietly(self.session, q.ReadBlob(part.blob))
            data = blob.data if blob is not None else None
        return data

    async def _paint(self, request: PictureRequest) -> None:
        data = await self.content(request.part)
        if data is None or self.graphics.way == "none":
            return
        lines, sent = await asyncio.to_thread(
            paint_picture, data, request, self.graphics, self._theme
        )
        driver = self.app._driver
        if sent and driver is not None:
            # The driver's queue is the one way to the terminal that keeps its order.
            driver.write(sent)
        self.view.take_image(request.key, request.token, lines)

    @on(ConsoleView.CardOpened)
    def pass_display(self, event: ConsoleView.CardOpened) -> None:
        event.stop()
        self.post_message(self.DisplayOpened(event.display, event.outside))

    @on(ConsoleView.AnswerFieldRequested)
    def take_answer(self, event: ConsoleView.AnswerFieldRequested) -> None:
        event.stop()
        self.focus_prompt()

    @on(ConsoleView.EmptyClicked)
    def go_to_prompt(self, event: ConsoleView.EmptyClicked) -> None:
        event.stop()
        self.focus_prompt()

    @on(ConsoleView.FrameClicked)
    def pass_frame(self, event: ConsoleView.FrameClicked) -> None:
        event.stop()
        self.post_message(self.SourceRequested(event.frame))

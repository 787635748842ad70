"""The console pane: cards, bars and prompt, and their requests to the session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.commands.table import bindings
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.loader import OutputLoader, PictureRequested, RowsRequested
from codeexec.tui.panes.console.actions import CardActions
from codeexec.tui.panes.console.answers import AnswerFocus
from codeexec.tui.panes.console.bars import AnswerBar
from codeexec.tui.panes.console.cards.card import Card
from codeexec.tui.panes.console.executions import ExecutionReader
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.prompt.help import HelpMessage, PromptHelp
from codeexec.tui.panes.console.prompt.labels import Prompts
from codeexec.tui.panes.console.prompt.popup import CompletionPopup, DocsPopup
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.panes.console.prompt.runs import PromptRuns
from codeexec.tui.panes.console.search import OutputSearch
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.render.highlight import highlight
from codeexec.tui.session.ask import focus_now
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.requester import Requester
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.theme.theme import Theme
from codeexec.tui.turns import short_turns
from codeexec.tui.widgets.search_bar import SearchBar

_PAUSE = 0.3
"""Seconds without a key after which what is typed first gets its colours."""


def build(context: BuildContext) -> ConsolePane:
    return ConsolePane(context.theme, context.me)


class ConsolePane(ConsoleMessages, Vertical):
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

    def __init__(self, theme: Theme, me: str = "", id: str = "console") -> None:
        super().__init__(id=id)
        self.me = me
        self._theme = theme
        self.requester = Requester(self)
        # Held as well as composed: they are asked for at every frame.
        self.view = ConsoleView(theme, me, id="cards")
        self.search_bar = SearchBar("search all code and output")
        self.answer = AnswerBar()
        self.prompt = Prompt(theme, id="prompt")
        self.completions = CompletionPopup()
        self.docs = DocsPopup()
        self._label = Label("[1] ", id="prompt-label", markup=False)
        self.loader = OutputLoader(self.requester, self.view)
        self.executions = ExecutionReader(self.requester, self.view)
        self.search = OutputSearch(self.requester, self.search_bar, self.view, self.executions)
        self.cards = CardActions(
            self.requester, self.view, self.prompt, self.executions, self.search, me
        )
        self._help = PromptHelp(
            self.requester, self.prompt, self.answer, self.completions, self.docs
        )
        self._answers = AnswerFocus(self, self.answer, self.prompt)
        self._prompts = Prompts()
        self._runs = PromptRuns(self.requester, self.prompt, self.view, me)
        self._has_begun_coloring = False

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.search_bar
        yield self.answer
        with Horizontal(id="prompt-row"):
            yield self._label
            yield self.prompt
        yield self.completions
        yield self.docs

    def on_mount(self) -> None:
        self.prompt.in_color = self.view.painter.colors = False
        self._pause = call_after(self, _PAUSE, self._begin_coloring, pause=True)

    def _begin_coloring(self) -> None:
        """Load the lexers with the first code: an empty console does without their 1.4 MB."""
        if not self._has_begun_coloring:
            self._has_begun_coloring = True
            self.run_worker(self._load_lexers(), group="lexers")

    async def _load_lexers(self) -> None:
        """Lexers take 50 ms to be made: in a thread, while code is shown without colours."""
        with short_turns():
            await asyncio.to_thread(highlight, "x = 1", self.prompt.language_name, self._theme)
        self.prompt.show_colors()
        self.view.show_colors(True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Single letters act on cards only while the cards have the keys."""
        return self.view.has_focus if action == "card" else True

    def action_card(self, name: str, *arguments: object) -> None:
        """An action of `CardActions`."""
        getattr(self.cards, name)(*arguments)

    # -- what comes in -------------------------------------------------------------------------

    def connect(self, session: SessionClient, *, watch_only: bool = False) -> None:
        """Ask this session from now on."""
        self.requester.connect(session)
        self.prompt.read_only = watch_only
        self.run_worker(self._read_history(), group="history")

    async def _read_history(self) -> None:
        history = await self.requester.ask_quietly(q.SearchHistory(limit=500))
        if history is not None:
            self.prompt.remember([entry.code for entry in reversed(history.entries)])

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.view.use(theme)
        self.prompt.use(theme)

    @property
    def graphics(self) -> Graphics:
        """How pictures are shown."""
        return self.loader.graphics

    @graphics.setter
    def graphics(self, graphics: Graphics) -> None:
        self.loader.graphics = graphics

    def show_stored(self, views: Sequence[ExecutionView]) -> None:
        """Outputs that the notebook in front has in its file."""
        if views:
            self._begin_coloring()
        self.view.show_stored(views)

    def show_frame(self, frame: Frame) -> None:
        if frame.snapshot.executions:
            self._begin_coloring()
        self.view.show_frame(frame)
        language = frame.snapshot.kernel.language
        if language and language != self.prompt.language_name:
            self.prompt.language_name = language
        self._answers.follow(frame.snapshot.asking)
        self._runs.is_dead = frame.snapshot.kernel.state == "dead"
        self._prompts.follow(frame, self.prompt)
        label = self._prompts.label(frame.snapshot)
        if (current := str(self._label.content)) != label:
            # A layout goes through every widget: only where the width changes.
            self._label.update(label, layout=len(current) != len(label))

    async def card_of(self, execution_id: str) -> Card | None:
        """The card of an execution, read where it is not in hand; None for a silent one."""
        return await self.executions.card_of(execution_id)

    async def follow_place(self, place: tuple[str, int] | None) -> None:
        """Scroll to where another workbench is; None: to the end."""
        if place is None:
            self.view.go_to_end()
        elif card := await self.card_of(place[0]):
            self.view.viewport.go_to(card, place[1])

    def take_focus(self) -> None:
        self._answers.stay()
        self.focus_prompt()

    def focus_prompt(self) -> None:
        """At once, as what is typed next is meant for it; where a cell waits, for the answer."""
        self._answers.take_focus()

    def lead_to_answer(self, came_from: str) -> None:
        """Let the answer be typed, and then go back to the pane `came_from`."""
        self._answers.lead(came_from)

    def take_way_back(self) -> str:
        """The pane that the keys go back to after an answer; empty if the user chose this."""
        return self._answers.take_way_back()

    # -- the prompt ----------------------------------------------------------------------------

    @on(Prompt.Submitted)
    @on(Prompt.EmptySubmitted)
    @on(Prompt.Undecided)
    def run_prompt(
        self, event: Prompt.Submitted | Prompt.EmptySubmitted | Prompt.Undecided
    ) -> None:
        event.stop()
        self._help.close()
        self._runs.follow(event)

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

    @on(Prompt.PromptCompletionRequested)
    @on(Prompt.DocsRequested)
    @on(Prompt.PopupKey)
    @on(Prompt.Changed)
    @on(CompletionPopup.Chosen)
    def follow_help(self, event: HelpMessage) -> None:
        event.stop()
        self._pause.reset()
        self._pause.resume()
        self._help.follow(event)

    @on(AnswerBar.Answered)
    def send_answer(self, event: AnswerBar.Answered) -> None:
        event.stop()
        self.requester.send(q.AnswerStdin(event.request_id, event.text, origin=self.me))

    # -- the cards -----------------------------------------------------------------------------

    @on(RowsRequested)
    @on(PictureRequested)
    def load_output(self, event: RowsRequested | PictureRequested) -> None:
        event.stop()
        self.loader.load(event)

    @on(ConsoleView.ExecutionsRequested)
    @on(ConsoleView.ExecutionStale)
    def load_executions(
        self, event: ConsoleView.ExecutionsRequested | ConsoleView.ExecutionStale
    ) -> None:
        event.stop()
        self.executions.load(event)

    @on(SearchBar.Sought)
    @on(SearchBar.Stepped)
    @on(SearchBar.Closed)
    def follow_search(self, event: SearchBar.Sought | SearchBar.Stepped | SearchBar.Closed) -> None:
        event.stop()
        self.search.follow(event)

    @on(ConsoleView.PromptFocusRequested)
    def go_to_prompt(self, event: ConsoleView.PromptFocusRequested) -> None:
        event.stop()
        self.focus_prompt()

    def on_key(self, event: events.Key) -> None:
        """Text that is typed on the cards, and is no command there, is meant for the prompt."""
        is_text = event.is_printable and event.character is not None
        if is_text and self.view.has_focus and event.key not in self.screen.active_bindings:
            event.stop()
            event.prevent_default()
            self._answers.type(event.character or "")

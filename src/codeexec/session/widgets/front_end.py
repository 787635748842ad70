"""The part of a front end that changes models by itself: links between them, and animations.

A browser does this for its own page. Here it is done in the session, so that several clients, or
none, see the same, and each change is made once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from codeexec.domain.content.comms import CommView
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Recorded
from codeexec.domain.events.comms import CommChanged, CommClosed, CommEvent, CommOpened
from codeexec.session.storage.event_log import EventLog
from codeexec.session.widgets.links import LinkTable, StateKey
from codeexec.session.widgets.playing import is_playing, next_state, seconds_between

Send = Callable[[CommView, Mapping[str, object]], str]
"""Sends keys of a state to a kernel; the id of the message. CodeexecError."""

UNWATCHED = 1.0
"""Seconds after which an animation that nobody follows looks whether somebody does."""

MOST_CORRECTIONS = 4
"""How often in a row a link follows a kernel that corrects what the link has set."""


class WidgetFrontEnd:
    """What follows from a client's message is sent right after it. What follows from the kernel
    waits where the kernel has not handled the message before to that model: only the last values
    are sent then."""

    def __init__(self, recorder: EventLog, send: Send, is_full: Callable[[], bool]) -> None:
        """`is_full`: whether the journal has reached its limit; then nothing changes by itself."""
        self._recorder = recorder
        self._send = send
        self._is_full = is_full
        self._links = LinkTable(recorder.snapshot.comms)
        self._unhandled: dict[str, set[str]] = {}
        """By model: messages that the kernel has not handled."""
        self._own: set[str] = set()
        """Those of them that are the session's, and no client's."""
        self._unsent: dict[str, dict[str, object]] = {}
        self._corrections = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def hear(self, records: Sequence[Recorded]) -> None:
        """Follow new events; what follows from them is done once all have been told."""
        events = [
            record.event
            for record in records
            if isinstance(record.event, CommOpened | CommChanged | CommClosed)
        ]
        if events:
            asyncio.get_running_loop().call_soon(self._follow, events)

    def note_sent(self, model: str, state: Mapping[str, object], message_id: str) -> None:
        """A client has set keys of a model: what is linked to it follows at once."""
        if self._is_concerned(model):
            self._unhandled.setdefault(model, set()).add(message_id)
            self._corrections = 0
            self._unsent.pop(model, None)
            self._pass_on(model, state, at_once=True)

    def _is_concerned(self, model: str) -> bool:
        view = self._recorder.snapshot.comms.get(model)
        is_play = view is not None and view.state.get("_model_name") == "PlayModel"
        return is_play or self._links.is_linked(model)

    # -- what the kernel says ----------------------------------------------------------------

    def _follow(self, events: Sequence[CommEvent]) -> None:
        for event in events:
            if self._recorder.is_closed:
                return
            view = self._recorder.snapshot.comms.get(event.comm_id)
            match event:
                case CommOpened():
                    self._forget(event.comm_id)
                    self._begin_link(event.comm_id, view)
                case CommClosed():
                    self._forget(event.comm_id)
                    self._links.take(event.comm_id, view)
                case CommChanged():
                    if event.state.keys() & {"source", "target"}:
                        self._begin_link(event.comm_id, view)
                    self._changed(event)
            self._animate(event.comm_id)

    def _begin_link(self, comm_id: str, view: CommView | None) -> None:
        """A new link sets its target to what the source is."""
        link = self._links.take(comm_id, view)
        source = self._recorder.snapshot.comms.get(link.source.model) if link is not None else None
        if link is not None and source is not None and link.source.key in source.state:
            self._set(link.target, source.state[link.source.key])

    def _forget(self, model: str) -> None:
        self._own -= self._unhandled.pop(model, set())
        self._unsent.pop(model, None)

    def _changed(self, event: CommChanged) -> None:
        """Let others follow, unless a newer value is on its way to the kernel: this one is an
        echo of an older value then."""
        model, handled = event.comm_id, set(event.handled)
        unhandled = self._unhandled.get(model, set())
        is_correction = bool(handled & self._own)
        self._own -= handled
        unhandled -= handled
        if unhandled:
            return
        self._unhandled.pop(model, None)
        if (unsent := self._unsent.pop(model, None)) is not None:
            self._send_now(model, unsent)
            return
        self._corrections = self._corrections + 1 if is_correction else 0
        if self._corrections <= MOST_CORRECTIONS:
            self._pass_on(model, event.state)

    # -- what follows ------------------------------------------------------------------------

    def _pass_on(self, model: str, state: Mapping[str, object], *, at_once: bool = False) -> None:
        for key, value in state.items():
            for place in self._followers(StateKey(model, key)):
                self._set(place, value, at_once=at_once)

    def _followers(self, place: StateKey) -> Sequence[StateKey]:
        return list(self._links.followers(place, self._recorder.snapshot.comms))

    def _set(self, place: StateKey, value: object, *, at_once: bool = False) -> None:
        view = self._recorder.snapshot.comms.get(place.model)
        if view is None or view.is_closed or _are_same(view.state.get(place.key), value):
            return
        state = {place.key: value}
        self._set_state(view, state, at_once=at_once)
        self._pass_on(place.model, state, at_once=at_once)

    def _set_state(
        self, view: CommView, state: dict[str, object], *, at_once: bool = False
    ) -> None:
        """Clients see it at once, the kernel as soon as it can."""
        if self._is_full():
            return
        self._recorder.record(CommChanged(view.comm_id, state, kernel=view.kernel))
        if self._unhandled.get(view.comm_id) and not at_once:
            self._unsent.setdefault(view.comm_id, {}).update(state)
        else:
            unsent = self._unsent.pop(view.comm_id, {})
            self._send_now(view.comm_id, {**unsent, **state})

    def _send_now(self, model: str, state: Mapping[str, object]) -> None:
        view = self._recorder.snapshot.comms.get(model)
        if view is None:
            return
        try:
            message_id = self._send(view, state)
        except CodeexecError:
            return  # its kernel has ended, or is paused
        self._unhandled.setdefault(model, set()).add(message_id)
        self._own.add(message_id)

    # -- animations --------------------------------------------------------------------------

    def _animate(self, model: str) -> None:
        view = self._recorder.snapshot.comms.get(model)
        if view is None or not is_playing(view):
            if (timer := self._timers.pop(model, None)) is not None:
                timer.cancel()
        elif model not in self._timers:
            self._plan(view)

    def _plan(self, view: CommView) -> None:
        seconds = seconds_between(view)
        if not self._recorder.is_followed:
            seconds = max(seconds, UNWATCHED)
        loop = asyncio.get_running_loop()
        self._timers[view.comm_id] = loop.call_later(seconds, self._step, view.comm_id)

    def _step(self, model: str) -> None:
        self._timers.pop(model, None)
        if self._recorder.is_closed:
            return
        view = self._recorder.snapshot.comms.get(model)
        if view is None or not is_playing(view) or not self._is_alive(view):
            return
        # A kernel that is still busy with the last step gets no other.
        followers = self._followers(StateKey(model, "value"))
        is_behind = any(map(self._unhandled.get, (model, *(place.model for place in followers))))
        if not is_behind and self._recorder.is_followed:
            state = next_state(view)
            self._set_state(view, state)
            self._pass_on(model, state)
        self._animate(model)

    def _is_alive(self, view: CommView) -> bool:
        kernel = self._recorder.snapshot.kernels.get(view.kernel)
        return kernel is not None and kernel.generation == view.generation


def _are_same(held: object, value: object) -> bool:
    return held == value or repr(held) == repr(value)  # not a number is no other one

"""Paints a widget and all that is in it, with one theme."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.outputs import MimePart
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import size_words
from codeexec.tui.output.ipywidgets.board import WidgetBoard, references
from codeexec.tui.output.ipywidgets.drawing import Control, Drawing, beside, restyled
from codeexec.tui.output.ipywidgets.values import (
    BOXES,
    ENTRIES,
    LISTS,
    LONGEST,
    PROGRESS,
    REPEAT,
    SLIDERS,
    ValueScale,
    chosen,
    description,
    labels,
    number,
    own_name,
    playing_key,
    repeat_key,
    text_of,
    titles,
    values_of,
    words,
)
from codeexec.tui.render.ansi import AnsiPainter, wrap_words
from codeexec.tui.render.plain import fitted, padded
from codeexec.tui.theme.theme import Theme

TRACK = 24
"""Columns of a slider, a progress bar and a text field where there is room."""

MOST_LINES = 200
"""Lines of a widget that are drawn, with all in it."""

MOST_DEPTH = 12
MOST_OPTIONS = 30
"""Options of a choice that are drawn side by side or below each other."""

MOST_HTML = 20_000

_MARKUP = frozenset({"HTML", "HTMLMath"})
_STYLES = {
    "success": "ok",
    "info": "info",
    "warning": "warn",
    "danger": "error",
    "primary": "accent",
}


class WidgetPainter:
    """`paint_output` paints what an Output widget has captured, given as outputs of nbformat."""

    def __init__(
        self,
        theme: Theme,
        ansi: AnsiPainter,
        board: WidgetBoard,
        paint_output: Callable[[Sequence[object], int], tuple[list[Strip], MimePart | None, int]],
    ) -> None:
        self._theme = theme
        self._ansi = ansi
        self._board = board
        self._paint_output = paint_output
        self._room = MOST_LINES

    def paint(self, model: str, width: int) -> Drawing:
        """A widget in at most `width` columns."""
        self._room = MOST_LINES
        drawing = self._draw(model, max(width, 8), ())
        if not drawing.lines:
            drawing.add_line([self._ink("(an empty widget)", "muted")])
        if len(drawing.lines) > MOST_LINES:
            del drawing.lines[MOST_LINES:]
            drawing.controls = [control for control in drawing.controls if control.row < MOST_LINES]
            drawing.add_line([self._ink(fitted("… more widgets than are drawn", width), "muted")])
        if self._board.knows(model) and not self._board.is_alive(model):
            note = "The kernel has closed it, or has ended: run its cell again to use it."
            drawing.add_line([self._ink(fitted(note, width), "muted")])
        if (focus := self._board.focus) is not None:
            for control in drawing.controls:
                if control.place == focus:
                    line = drawing.lines[control.row]
                    style = self._theme.style("cursor")
                    drawing.lines[control.row] = restyled(line, control.x, control.width, style)
        drawing.lines = [line.crop(0, width) for line in drawing.lines]
        return drawing

    def _draw(self, model: str, width: int, path: tuple[str, ...]) -> Drawing:
        if model in path or len(path) > MOST_DEPTH:
            return self._note("… a widget that contains itself", width)
        if self._room <= 0:
            return Drawing()
        state, kind = self._board.state(model), self._board.kind(model)
        layout = self._board.state(str(state.get("layout", "")).removeprefix("IPY_MODEL_"))
        if layout.get("display") == "none" or layout.get("visibility") == "hidden":
            return Drawing()
        inner = (*path, model)
        if kind in BOXES:
            drawing = self._box(model, kind, width, inner)
        elif kind == "Tab":
            drawing = self._tab(model, width, inner)
        elif kind == "Accordion":
            drawing = self._accordion(model, width, inner)
        else:
            drawing = self._leaf(model, kind, width)
            self._room -= len(drawing.lines)
            if self._board.is_waiting(model) and drawing.lines:
                mark = self._ink(" ⧗ waits for the kernel", "warn")
                if drawing.lines[0].cell_length + 23 <= width:
                    drawing.lines[0] = Strip([*drawing.lines[0], mark])
                else:
                    drawing.add_line([mark])
        return drawing

    # -- boxes -------------------------------------------------------------------------------

    def _box(self, model: str, kind: str, width: int, path: tuple[str, ...]) -> Drawing:
        children = references(self._board.state(model))
        if kind == "Stack":
            at = self._board.selected(model)
            children = children[at : at + 1] if at >= 0 else []
        drawings = [
            drawing
            for child in children
            if self._room > 0 and (drawing := self._draw(child, width, path)).lines
        ]
        if kind in ("HBox", "Box"):
            return beside(drawings, width)
        whole = Drawing()
        for drawing in drawings:
            whole.add(drawing)
        return whole

    def _tab(self, model: str, width: int, path: tuple[str, ...]) -> Drawing:
        children = references(self._board.state(model))[:MOST_OPTIONS]
        names, open_at = (
            titles(self._board.state(model), len(children)),
            self._board.selected(model),
        )
        heads = [
            self._option(model, at, f" {name} ", "accent.ground" if at == open_at else "popup")
            for at, name in enumerate(names)
        ]
        whole = beside(heads, width, 1)
        if 0 <= open_at < len(children):
            whole.add(self._draw(children[open_at], width - 2, path), 2)
        return whole

    def _accordion(self, model: str, width: int, path: tuple[str, ...]) -> Drawing:
        children = references(self._board.state(model))[:MOST_OPTIONS]
        names, open_at = (
            titles(self._board.state(model), len(children)),
            self._board.selected(model),
        )
        whole = Drawing()
        for at, (name, child) in enumerate(zip(names, children, strict=True)):
            mark = "▾" if at == open_at else "▸"
            whole.add(self._option(model, at, fitted(f"{mark} {name}", width), "title"))
            if at == open_at:
                whole.add(self._draw(child, width - 2, path), 2)
        return whole

    # -- single widgets ----------------------------------------------------------------------

    def _leaf(self, model: str, kind: str, width: int) -> Drawing:
        state = self._board.state(model)
        if kind in SLIDERS:
            return self._slider(model, kind, width)
        if kind in PROGRESS:
            return self._progress(model, kind, width)
        if kind in ENTRIES:
            return self._entry(model, kind, width)
        if kind in LISTS:
            return self._list(model, kind, width)
        if kind in _MARKUP:
            return self._texts(_text_of_html(str(state.get("value") or "")), model, width)
        match kind:
            case "Label":
                return self._texts(str(state.get("value") or "")[:LONGEST], model, width)
            case "Button" | "ToggleButton":
                is_on = kind == "ToggleButton" and bool(state.get("value"))
                name = description(state) or words(state.get("icon")) or "button"
                mark = "✓ " if is_on else ""
                style = _STYLES.get(str(state.get("button_style")), "popup")
                return self._option(
                    model,
                    -1,
                    fitted(f"[ {mark}{name} ]", width),
                    "accent.ground" if is_on else style,
                )
            case "Checkbox":
                mark = "x" if state.get("value") else " "
                return self._option(
                    model, -1, fitted(f"[{mark}] {description(state)}".rstrip(), width), "text"
                )
            case "Valid":
                mark, ink = ("✓", "ok") if state.get("value") else ("✗", "error")
                return Drawing([Strip([*self._label(model), self._ink(mark, ink)])])
            case "Dropdown":
                names, index = labels(state), chosen(state)
                name = next((names[at] for at in index if 0 <= at < len(names)), "")
                room = max(width - self._label_width(model) - 3, 4)
                return self._labelled(model, f"{fitted(name, min(room, 40))} ▾", "popup")
            case "Play":
                return self._play(model, width)
            case "SelectionSlider" | "SelectionRangeSlider":
                return self._selection_slider(model, width)
            case "ToggleButtons":
                drawings = [Drawing([Strip(self._label(model))])] if description(state) else []
                on = chosen(state)
                drawings += [
                    self._option(model, at, f"[ {name} ]", "accent.ground" if at in on else "popup")
                    for at, name in enumerate(labels(state)[:MOST_OPTIONS])
                ]
                return beside(drawings, width, 1)
            case "Output":
                outputs = state.get("outputs")
                lines, part, row = self._paint_output(
                    outputs if isinstance(outputs, list | tuple) else (), width
                )
                return Drawing(lines, [], part, row)
            case "Image":
                return self._image(model, width)
            case "":
                return self._note("[a widget that the session does not keep any more]", width)
            case _:
                return self._other(model, kind, width)

    def _other(self, model: str, kind: str, width: int) -> Drawing:
        """A widget that is not drawn: its name and values, and what shows it."""
        state = self._board.state(model)
        name, values = description(state), values_of(state)
        text = f"{f'{name}: ' if name else ''}{own_name(kind, state)}"
        text = f"{text} {values}" if values else text
        return self._note(f"[{text} · Jupyter shows it, from the saved notebook]", width)

    def _play(self, model: str, width: int) -> Drawing:
        """Buttons to play, to stop and to repeat, and the value."""
        state = self._board.state(model)
        is_on = (state.get(playing_key(state)), False, state.get(repeat_key(state)))
        drawings = [Drawing([Strip(self._label(model))])] if description(state) else []
        drawings += [
            self._option(model, at, f"[ {sign} ]", "accent.ground" if on else "popup")
            for at, (sign, on) in enumerate(zip(("▶", "■", "↻"), is_on, strict=True))
            if at != REPEAT or state.get("show_repeat", True)
        ]
        value = f"{words(state.get('value'))} / {words(state.get('max'))}"
        drawings.append(Drawing([Strip([self._ink(value, "muted")])]))
        return beside(drawings, width, 1)

    def _image(self, model: str, width: int) -> Drawing:
        """The place of a picture, which is painted later."""
        view, state = self._board.view(model), self._board.state(model)
        text = view.buffers.get("value", "") if view is not None else ""
        kind = words(state.get("format")) or "png"
        if not text or kind == "url":
            return self._note("[image: no picture, or one of more than 1 MB]", width)
        size = len(text) * 3 // 4
        drawing = self._note(f"▣ {kind} image · {size_words(size)}", width)
        drawing.picture = MimePart(f"image/{kind}", size, text)
        return drawing

    def _slider(self, model: str, kind: str, width: int) -> Drawing:
        state = self._board.state(model)
        scale, value = ValueScale(kind, state), state.get("value")
        readout = f" {scale.text(value)}" if state.get("readout") is not False else ""
        label = self._label(model)
        track = self._track(width, label, readout)
        cells = ["─"] * track
        if scale.is_range and isinstance(value, list | tuple) and len(value) == 2:
            places = [round(scale.place(bound) * (track - 1)) for bound in value]
            cells[places[0] : places[1]] = ["━"] * max(places[1] - places[0], 0)
        else:
            places = [round(scale.place(value) * (track - 1))]
            cells[: places[0]] = ["━"] * places[0]
        for place in places:
            cells[place] = "●"
        return self._with_track(model, label, "".join(cells), readout)

    def _selection_slider(self, model: str, width: int) -> Drawing:
        state = self._board.state(model)
        names, index = labels(state), sorted(chosen(state))
        readout = " " + " – ".join(names[at] for at in index if 0 <= at < len(names))
        label = self._label(model)
        track = self._track(width, label, readout)
        cells = ["─"] * track
        for at in index:
            if 0 <= at < len(names):
                cells[round(at / max(len(names) - 1, 1) * (track - 1))] = "●"
        return self._with_track(model, label, "".join(cells), readout)

    def _track(self, width: int, label: Sequence[Segment], readout: str) -> int:
        used = sum(segment.cell_length for segment in label) + cell_len(readout)
        return max(min(TRACK, width - used), 4)

    def _with_track(
        self, model: str, label: Sequence[Segment], track: str, readout: str
    ) -> Drawing:
        x = sum(segment.cell_length for segment in label)
        line = Strip([*label, self._ink(track, "accent"), self._ink(readout, "text")])
        control = Control(model, 0, x, len(track), track=True)
        return Drawing([line], [control] if self._is_enabled(model) else [])

    def _progress(self, model: str, kind: str, width: int) -> Drawing:
        state = self._board.state(model)
        label = self._label(model)
        used = sum(segment.cell_length for segment in label)
        track = max(min(TRACK, width - used), 4)
        part = ValueScale(kind, state).place(state.get("value"))
        eighths = round(part * track * 8)
        full, eighth = divmod(eighths, 8)
        bar = "█" * full + (" ▏▎▍▌▋▊▉"[eighth] if eighth else "")
        ink = _STYLES.get(str(state.get("bar_style")), "accent")
        line = [*label, self._ink(bar, ink), self._ink("░" * (track - len(bar)), "faint")]
        return Drawing([Strip(line)])

    def _entry(self, model: str, kind: str, width: int) -> Drawing:
        state = self._board.state(model)
        text = printable(text_of(kind, state)[:LONGEST], lines=True)
        if kind == "Password":
            text = "•" * len(text)
        room = max(min(TRACK + 8, width - self._label_width(model)), 4)
        is_empty = not text
        if is_empty:
            text = words(state.get("placeholder"))
        lines = text.split("\n")[:5] if kind == "Textarea" else [text]
        x = self._label_width(model)
        drawing = Drawing()
        ink = "popup.muted" if is_empty else "popup"
        for at, line in enumerate(lines):
            label = self._label(model) if at == 0 else [Segment(" " * x)]
            drawing.add_line([*label, self._ink(padded(line, room), ink)])
        if self._is_enabled(model):
            drawing.controls.append(Control(model, 0, x, room))
        return drawing

    def _list(self, model: str, kind: str, width: int) -> Drawing:
        state = self._board.state(model)
        names, on = labels(state), chosen(state)
        rows = MOST_OPTIONS
        if kind != "RadioButtons":
            rows = max(min(int(number(state.get("rows"), 5)), MOST_OPTIONS), 1)
        first = max(min(min(on, default=0) - rows // 2, len(names) - rows), 0)
        focus = self._board.focus
        if focus is not None and focus[0] == model and focus[1] >= 0:
            first = max(min(first, focus[1]), focus[1] - rows + 1)
        drawing = Drawing()
        if description(state):
            drawing.add_line(self._label(model))
        marks = ("[x]", "[ ]") if kind == "SelectMultiple" else ("(•)", "( )")
        for at in range(first, min(first + rows, len(names))):
            text = fitted(f"{marks[at not in on]} {names[at]}", width - 2)
            drawing.add(self._option(model, at, text, "text"), 2 if description(state) else 0)
        if len(names) > rows:
            more = f"… {len(names):,} options"
            drawing.add_line([self._ink(more, "muted")])
        return drawing

    # -- parts -------------------------------------------------------------------------------

    def _option(self, model: str, option: int, text: str, ink: str) -> Drawing:
        ink = ink if self._is_enabled(model) else "muted"
        control = Control(model, 0, 0, cell_len(text), option)
        is_live = self._is_enabled(model)
        return Drawing([Strip([self._ink(text, ink)])], [control] if is_live else [])

    def _is_enabled(self, model: str) -> bool:
        kind = self._board.kind(model)
        if kind in ("Tab", "Accordion"):
            return True
        return self._board.is_alive(model) and not self._board.state(model).get("disabled")

    def _labelled(self, model: str, text: str, ink: str) -> Drawing:
        x = self._label_width(model)
        control = Control(model, 0, x, cell_len(text))
        live = self._is_enabled(model)
        line = Strip([*self._label(model), self._ink(text, ink if live else "muted")])
        return Drawing([line], [control] if live else [])

    def _label(self, model: str) -> list[Segment]:
        text = description(self._board.state(model)).removesuffix(":")
        return [self._ink(fitted(text, 30), "muted"), Segment(" ")] if text else []

    def _label_width(self, model: str) -> int:
        return sum(segment.cell_length for segment in self._label(model))

    def _texts(self, text: str, model: str, width: int) -> Drawing:
        drawing = Drawing()
        lines = text.split("\n")[:MOST_LINES] if text.strip() else []
        for at, segments in enumerate(self._ansi.block(lines, "text")):
            label = self._label(model) if at == 0 else []
            drawing.lines += wrap_words([*label, *segments], width)
        return drawing

    def _note(self, text: str, width: int) -> Drawing:
        return Drawing(wrap_words([self._ink(text, "muted")], width))

    def _ink(self, text: str, meaning: str) -> Segment:
        return Segment(text, self._theme.style(meaning))


def _text_of_html(html: str) -> str:
    from codeexec.documents.displays.html import html_to_text  # not at the start

    return html_to_text(html[:MOST_HTML]).strip("\n")

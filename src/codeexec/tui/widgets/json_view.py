"""JSON tree widget: opens near the root, long arrays in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from codeexec.domain.errors import DocumentError
from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.json_tree import Json, children, groups, kind, parse, preview, size

_OPEN_AT_FIRST = 20
"""A top value with no more children than this is shown open one level further."""


@dataclass(frozen=True, slots=True)
class _Node:
    """Content of a node: a value, or a range of children of a long one."""

    name: str
    value: Json
    start: int = 0
    stop: int | None = None

    @property
    def is_group(self) -> bool:
        return self.stop is not None


class JsonView(Tree[_Node], inherit_bindings=False):
    """Tree of a JSON text; text that is not JSON shows the parse error."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "json--key",
        "json--string",
        "json--number",
        "json--boolean",
        "json--null",
        "json--muted",
    }

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("json")]

    DEFAULT_CSS = """
    JsonView {
        & > .json--key { color: $text-accent; }
        & > .json--string { color: $text-success; }
        & > .json--number { color: $text-warning; }
        & > .json--boolean { color: $text-warning; text-style: bold; }
        & > .json--null { color: $text-muted; text-style: italic; }
        & > .json--muted { color: $text-muted; }
    }
    """

    def __init__(self, text: str, *, id: str | None = None, classes: str | None = None) -> None:
        self._fault = ""
        value: Json = None
        try:
            value = parse(text)
        except DocumentError as fault:
            self._fault = str(fault)
        super().__init__(self._fault or "JSON", _Node(self._fault, value), id=id, classes=classes)
        self.auto_expand = True
        self.guide_depth = 3

    @property
    def fault(self) -> str:
        """Why there is no tree, or nothing."""
        return self._fault

    def on_mount(self) -> None:
        """Open the first level, and small values in it: what most want to see."""
        if self._fault:
            self.root.allow_expand = False
            return
        self.root.allow_expand = size(self._part(self.root).value) > 0
        self._fill(self.root)
        self.root.expand()
        for child in self.root.children:
            if size(self._part(child).value) > 0 and len(self.root.children) <= _OPEN_AT_FIRST:
                self._fill(child)
                child.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[_Node]) -> None:
        event.stop()
        self._fill(event.node)

    def _fill(self, node: TreeNode[_Node]) -> None:
        """Give a node its children when it is first opened."""
        if node.children:
            return
        part = self._part(node)
        stretches = () if part.is_group else tuple(groups(part.value))
        for start, stop in stretches:
            node.add("", _Node(f"{start} … {stop - 1}", part.value, start, stop))
        if not stretches:
            for name, value in children(part.value, part.start, part.stop):
                node.add("", _Node(name, value), allow_expand=size(value) > 0)

    def render_label(self, node: TreeNode[_Node], base_style: Style, style: Style) -> Text:
        """`name: value`; an open value shows only its size, for its children are below."""
        part = self._part(node)
        if self._fault:
            return Text(printable(self._fault), base_style + style)
        label = Text(style=base_style + style)
        if node.allow_expand:
            label.append("▼ " if node.is_expanded else "▶ ", self._paint("json--muted"))
        if part.is_group:
            return label.append(part.name, self._paint("json--muted"))
        if node is not self.root:
            label.append(printable(part.name), self._paint("json--key")).append(
                ": ", self._paint("json--muted")
            )
        sort = kind(part.value)
        if sort in ("object", "array"):
            count = size(part.value)
            noun = "key" if sort == "object" else "item"
            summary = f"{count} {noun}{'' if count == 1 else 's'}"
            text = summary if node.is_expanded or not count else preview(part.value)
            return label.append(printable(text), self._paint("json--muted"))
        return label.append(printable(preview(part.value)), self._paint(f"json--{sort}"))

    def _paint(self, component: str) -> Style:
        """The component's colours without its background, which is the row's."""
        style = self.get_component_rich_style(component, partial=True)
        return Style(color=style.color, bold=style.bold, italic=style.italic)

    @staticmethod
    def _part(node: TreeNode[_Node]) -> _Node:
        assert node.data is not None, "every node is made with its part"
        return node.data

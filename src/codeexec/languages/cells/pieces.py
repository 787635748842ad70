"""Splits a cell of C++ into declarations, variables and statements, by its syntax tree.

The cell is parsed as the body of a function: at the top level of a file the grammar takes
`std::cout << x;` for an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from codeexec.domain.errors import Unavailable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Role = Literal["declaration", "variable", "statement"]

_HEAD = b"void cell(){\n"
_TAIL = b"\n\n}"
"""After an empty line, as the last line may be continued."""
_TYPES = frozenset({"struct_specifier", "class_specifier", "union_specifier", "enum_specifier"})
_DECLARATIONS = _TYPES | {
    "alias_declaration",
    "concept_definition",
    "function_definition",
    "linkage_specification",
    "namespace_alias_definition",
    "namespace_definition",
    "preproc_def",
    "preproc_function_def",
    "preproc_include",
    "preproc_call",
    "template_declaration",
    "template_instantiation",
    "type_definition",
    "using_declaration",
    "operator_cast_definition",
    "constructor_or_destructor_definition",
}
_CONDITIONALS = frozenset({"preproc_if", "preproc_ifdef"})
_BRANCHES = frozenset({"preproc_else", "preproc_elif", "preproc_elifdef"})
_MACROS = frozenset({"preproc_def", "preproc_function_def", "preproc_call"})
_NAMES = frozenset({"identifier", "type_identifier", "namespace_identifier"})
_DECLARING = frozenset(
    {
        "declaration",
        "init_declarator",
        "parameter_declaration",
        "optional_parameter_declaration",
        "for_range_loop",
        "function_declarator",
        "array_declarator",
        "pointer_declarator",
        "condition_declaration",
    }
)
"""Nodes whose field `declarator` names what they declare."""
_TRANSPARENT = frozenset(
    {"reference_declarator", "structured_binding_declarator", "parenthesized_declarator"}
)
"""Declarators whose children have no field."""
_IDENTIFIER = re.compile(rb"[A-Za-z_]\w*")
_TOKEN = re.compile(
    rb"""(?s)//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"
    |(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'|(?P<open>[({\[])|(?P<close>[)}\]])|(?P<odd>/\*|["])|(?P<end>;)""",
    re.VERBOSE,
)
_CLOSING = {b"(": b")", b"{": b"}", b"[": b"]"}
_IF = re.compile(rb"^[ \t]*#[ \t]*if", re.MULTILINE)
_ENDIF = re.compile(rb"^[ \t]*#[ \t]*endif", re.MULTILINE)


class CellPiece(NamedTuple):
    """A part of a cell: bytes `start` to `end`, which begin at `line` and byte `column` (from 0).

    `defines` are the names of a variable, `uses` all names that occur and are not declared
    within. A variable is `is_late` after the first statement of its cell; `is_static` says that
    it is to live outside of main for its size. A piece that `is_broken` has a syntax error that
    would reach beyond its end."""

    role: Role
    start: int
    end: int
    line: int
    column: int
    defines: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    is_late: bool = False
    is_constant: bool = False
    is_array: bool = False
    is_macro: bool = False
    is_broken: bool = False


class SplitCell(NamedTuple):
    """`source` is UTF-8. A cell that `has_main` is a program by itself."""

    source: bytes
    pieces: tuple[CellPiece, ...]
    has_main: bool


@lru_cache(maxsize=256)
def split(code: str) -> SplitCell:
    """The pieces of a cell, in its order. Comments between them are in none. Unavailable where
    the grammar is not installed."""
    source = code.encode("utf-8", "replace")
    root = _parse(source)
    end = _end_of_closed(source) if _reaches_out(root, source) else len(source)
    if end < len(source):
        root = _parse(source[:end])
    pieces: list[CellPiece] = []
    has_main = is_late = False
    for node in _cell_nodes(root):
        first, last = node.start_byte - len(_HEAD), min(node.end_byte - len(_HEAD), end)
        if first >= last or first < 0:
            continue
        if pieces and source[first:last].strip() == b";":
            pieces[-1] = pieces[-1]._replace(end=last)
            continue
        has_main |= node.type == "function_definition" and _declared_name(node) == "main"
        point = node.start_point
        piece = _piece(node, source[first:last], first, point.row - 1, point.column, is_late)
        is_late |= piece.role == "statement"
        pieces.append(piece)
    if rest := source[end:].strip():
        start = source.index(rest, end)
        line, column = source.count(b"\n", 0, start), start - source.rfind(b"\n", 0, start) - 1
        used = frozenset(_identifiers(rest))
        pieces.append(
            CellPiece("statement", start, len(source), line, column, uses=used, is_broken=True)
        )
    return SplitCell(source, tuple(_with_pragmas(pieces, source)), has_main)


def _parse(source: bytes) -> Node:
    return _parser().parse(_HEAD + source + _TAIL).root_node


def _reaches_out(root: Node, source: bytes) -> bool:
    """Whether something in the cell has no end in it."""
    ends_in_tail = any(node.end_byte > len(_HEAD) + len(source) + 2 for node in _cell_nodes(root))
    return (root.has_error or ends_in_tail) and not _is_closed(source)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    try:
        import tree_sitter_cpp
        from tree_sitter import Language, Parser

        return Parser(Language(tree_sitter_cpp.language()))
    except (ImportError, ValueError) as error:
        raise Unavailable(
            "Cells of C++ are split by tree-sitter-cpp, which is not installed.",
            "pip install tree-sitter-cpp; or give the cell an int main() of its own.",
        ) from error


def _cell_nodes(root: Node) -> Iterator[Node]:
    """The nodes at the top of the cell. After one `}` too many, others follow the function."""
    first, *others = root.children
    body = first.child_by_field_name("body")
    if body is None:
        yield from (node for node in root.children if node.start_byte >= len(_HEAD))
        return
    for node in body.children:
        if node.type not in ("{", "}", "comment"):
            yield node
    yield from (node for node in others if node.type not in ("}", "comment"))


def _piece(node: Node, text: bytes, start: int, line: int, column: int, is_late: bool) -> CellPiece:
    role = _role(node)
    declared, used = _names_in(node)
    is_macro = node.type in _MACROS
    if is_macro:
        used = _identifiers(text)
    is_broken = node.type == "ERROR" or (node.has_error and not _is_closed(text))
    if node.type in _CONDITIONALS:
        used |= declared
        is_broken |= len(_IF.findall(text)) != len(_ENDIF.findall(text))
    own = _defined_by(node) if role == "variable" else frozenset()
    return CellPiece(
        role,
        start,
        start + len(text),
        line,
        column,
        defines=own,
        uses=frozenset(used - declared),
        is_late=is_late and role == "variable",
        is_constant=role == "variable" and _is_constant(node),
        is_array=role == "variable" and _has_array(node),
        is_macro=is_macro,
        is_broken=is_broken,
    )


def _with_pragmas(pieces: list[CellPiece], source: bytes) -> Iterator[CellPiece]:
    """A pragma before a statement, such as `#pragma omp parallel for`, belongs to it."""
    for at, piece in enumerate(pieces):
        text = source[piece.start : piece.end].lstrip(b"# \t")
        is_statement = at + 1 < len(pieces) and pieces[at + 1].role == "statement"
        if piece.is_macro and text.startswith(b"pragma") and is_statement:
            piece = piece._replace(role="statement")
        yield piece


# -- roles -----------------------------------------------------------------------------


def _role(node: Node) -> Role:
    if node.type in _DECLARATIONS:
        return "declaration"
    if node.type in _CONDITIONALS:
        roles = {_role(child) for child in _guarded(node)}
        if "statement" in roles:
            return "statement"
        return "variable" if roles == {"variable"} else "declaration"
    return _role_of_declaration(node) if node.type == "declaration" else "statement"


def _guarded(node: Node) -> Iterator[Node]:
    """What stands between the lines of an #if."""
    for at, child in enumerate(node.named_children):
        if child.type in _BRANCHES:
            yield from _guarded(child)
        elif child.type != "comment" and not (
            at == 0 and child.type != "ERROR" and _is_test(child)
        ):
            yield child


def _is_test(node: Node) -> bool:
    """Whether this is the condition of an #if, and not the first thing that it guards."""
    parent = node.parent
    if parent is None:
        return False
    test = parent.child_by_field_name("condition") or parent.child_by_field_name("name")
    return test is not None and test.start_byte == node.start_byte


def _role_of_declaration(node: Node) -> Role:
    declarators = node.children_by_field_name("declarator")
    if not declarators:
        return "statement" if node.has_error else "declaration"
    if node.has_error and node.child_by_field_name("type") is None:
        return "statement"
    specifiers = {_text(child) for child in node.children if child.is_named}
    type_node = node.child_by_field_name("type")
    has_body = type_node is not None and type_node.child_by_field_name("body") is not None
    if has_body or specifiers & {"extern", "inline", "constinit"}:
        return "declaration"
    if all(_is_prototype(declarator) for declarator in declarators):
        return "declaration"
    if any(_innermost(declarator).type == "qualified_identifier" for declarator in declarators):
        return "declaration"  # the definition of a static member
    return "variable"


def _is_prototype(declarator: Node) -> bool:
    """Whether this surely declares a function: `T x(y);` may as well be a variable."""
    while declarator.type in ("pointer_declarator", "reference_declarator"):
        declarator = declarator.named_children[-1]
    if declarator.type != "function_declarator":
        return False
    name = declarator.child_by_field_name("declarator")
    if name is None or name.type not in ("identifier", "operator_name", "qualified_identifier"):
        return False  # a pointer to a function
    parameters = declarator.child_by_field_name("parameters")
    return parameters is not None and all(map(_is_parameter, parameters.named_children))


def _is_parameter(node: Node) -> bool:
    if node.type == "comment":
        return True
    if not node.type.endswith("parameter_declaration"):
        return False
    type_node = node.child_by_field_name("type")
    is_bare_name = type_node is not None and type_node.type == "type_identifier"
    return not is_bare_name or node.named_child_count > 1


def _is_constant(node: Node) -> bool:
    return any(_text(child) in ("const", "constexpr") for child in node.children)


def _has_array(node: Node) -> bool:
    if node.type in _CONDITIONALS:
        return any(map(_has_array, _guarded(node)))
    for declarator in node.children_by_field_name("declarator"):
        if declarator.type == "init_declarator":
            declarator = declarator.child_by_field_name("declarator") or declarator
        if declarator.type == "array_declarator":
            return True
    return False


# -- names -----------------------------------------------------------------------------


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _innermost(declarator: Node) -> Node:
    """The name in a declarator."""
    while True:
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type in _TRANSPARENT and declarator.named_children:
            inner = declarator.named_children[-1]
        if inner is None:
            return declarator
        declarator = inner


def _declared_name(node: Node) -> str:
    declarator = node.child_by_field_name("declarator")
    return _text(_innermost(declarator)) if declarator is not None else ""


def _defined_by(node: Node) -> frozenset[str]:
    """The names of the variables of a declaration."""
    if node.type in _CONDITIONALS:
        return frozenset().union(*map(_defined_by, _guarded(node)))
    names: set[str] = set()
    for declarator in node.children_by_field_name("declarator"):
        if declarator.type == "init_declarator":
            declarator = declarator.child_by_field_name("declarator") or declarator
        if declarator.type == "structured_binding_declarator" or (
            declarator.type == "reference_declarator"
            and declarator.named_children[-1].type == "structured_binding_declarator"
        ):
            names |= {name.decode() for name in _IDENTIFIER.findall(declarator.text or b"")}
        else:
            names.add(_text(_innermost(declarator)))
    return frozenset(names)


def _identifiers(text: bytes) -> set[str]:
    return {name.decode() for name in _IDENTIFIER.findall(text)}


def _names_in(node: Node) -> tuple[set[str], set[str]]:
    """Names that are declared within a node, and all that occur."""
    declared: set[str] = set()
    used: set[str] = set()
    stack: list[tuple[Node, bool]] = [(node, False)]
    while stack:
        current, is_declarator = stack.pop()
        if current.type in _NAMES:
            name = _text(current)
            used.add(name)
            if is_declarator:
                declared.add(name)
            continue
        if current.type in ("preproc_arg", "string_literal", "raw_string_literal", "comment"):
            if current.type == "preproc_arg":
                used |= _identifiers(current.text or b"")
            continue
        if current.type in _DECLARING:
            for at, child in enumerate(current.children):
                stack.append((child, current.field_name_for_child(at) == "declarator"))
        else:
            passes = is_declarator and current.type in _TRANSPARENT
            stack += [(child, passes) for child in current.children]
    return declared, used


# -- syntax errors ---------------------------------------------------------------------


def _is_closed(text: bytes) -> bool:
    """Whether brackets, strings and comments end within the text."""
    return _end_of_closed(text) == len(text)


def _end_of_closed(text: bytes) -> int:
    """Where the text ends before the first bracket, string or comment that has no end, or no
    beginning: behind the last whole statement."""
    opened: list[tuple[bytes, int]] = []
    ends = [0]
    for token in _TOKEN.finditer(text):
        start = token.start()
        if token["open"]:
            opened.append((_CLOSING[token["open"]], start))
        elif token["close"] and opened and opened[-1][0] == token["close"]:
            opened.pop()
            if not opened and token["close"] == b"}":
                ends.append(token.end())
        elif token["odd"] or token["close"]:
            return ends[-1]
        elif token["end"] and not opened:
            ends.append(token.end())
    if not opened:
        return len(text)
    return max(end for end in ends if end <= opened[0][1])

"""The ten tools: names, descriptions, parameters, and the call of one by its name."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.cli.agents.answer import ToolAnswer
from codeexec.cli.agents.operations import AgentOperations
from codeexec.domain.errors import UsageError

Schema = dict[str, object]

_STRING: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}


def _text(words: str) -> Schema:
    return {**_STRING, "description": words}


def _tool(description: str, required: tuple[str, ...] = (), **parameters: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": parameters, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {"description": description, "inputSchema": schema}


TOOLS: Mapping[str, Schema] = {
    "sessions": _tool("List open sessions; * marks the one these tools work in."),
    "run": _tool(
        "Run code, a file, or one cell of a file, in the session's kernel, which keeps variables "
        "and which the user sees. After `wait` seconds it answers with the execution id and the "
        "rows so far; the run goes on. The user may have to allow it first, and may interrupt it.",
        code=_STRING,
        file=_text("path in the session's folder"),
        cell=_text("id of a cell of file, from state"),
        language=_text("of code, if not the kernel's: bash, cpp ..."),
        wait={**_NUMBER, "default": 20},
    ),
    "result": _tool(
        "Status and output of an execution; from row `start` on. Waits up to `wait` seconds for "
        "its end.",
        ("execution",),
        execution=_STRING,
        start={**_WHOLE, "default": 0},
        wait={**_NUMBER, "default": 0},
    ),
    "state": _tool(
        "Kernels, queue, last executions, cells (id, hash, status) and variable names. `file`: "
        "the cells of this document.",
        file=_STRING,
    ),
    "variables": _tool("List variables, or describe one.", name=_STRING, kernel=_STRING),
    "table": _tool(
        "Rows of a data frame or array.",
        ("name",),
        name=_STRING,
        start=_WHOLE,
        count={**_WHOLE, "default": 20},
        sort=_text("column"),
        descending=_FLAG,
        kernel=_STRING,
    ),
    "interrupt": _tool("Interrupt an execution; without id, what runs now.", execution=_STRING),
    "restart": _tool("Restart the kernel. All variables are lost.", kernel=_STRING),
    "artifact": _tool(
        "List files and displays that runs made, or show one: pictures as images.",
        name=_text("file name, or key of a display"),
    ),
    "edit_cell": _tool(
        "Replace the source of a cell in its file. `hash` is that of the cell as you read it; if "
        "it has changed since, the error has the current text.",
        ("file", "cell", "hash", "source"),
        file=_STRING,
        cell=_STRING,
        hash=_STRING,
        source=_STRING,
    ),
}
"""Descriptions and JSON schemas by name. All of it costs an agent tokens in each conversation."""


def _is(value: object, schema: Mapping[str, object]) -> bool:
    match schema["type"]:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def checked_arguments(name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments of a call, null ones left out. UsageError where they do not fit the schema."""
    tool = TOOLS.get(name)
    if tool is None:
        raise UsageError(f"There is no tool {name}.", f"There are: {', '.join(TOOLS)}.")
    schema = tool["inputSchema"]
    assert isinstance(schema, dict)
    given = {key: value for key, value in arguments.items() if value is not None}
    for key, value in given.items():
        if key not in schema["properties"]:
            names = ", ".join(schema["properties"]) or "none"
            raise UsageError(f"{name} has no parameter {key}.", f"Its parameters: {names}.")
        if not _is(value, schema["properties"][key]):
            kind = schema["properties"][key]["type"]
            raise UsageError(f"{key} of {name} must be of type {kind}.")
    missing = [key for key in schema.get("required", ()) if key not in given]
    if missing:
        raise UsageError(f"{name} needs {', '.join(missing)}.")
    return given


async def call_tool(
    operations: AgentOperations, name: str, arguments: Mapping[str, object]
) -> ToolAnswer:
    """Call a tool by its name. Raises CodeexecError."""
    given = checked_arguments(name, arguments)
    answer: ToolAnswer = await getattr(operations, name)(**given)
    return answer

"""Attributes of a separator line: the metadata after the title, as jupytext writes it."""

from __future__ import annotations

import ast
import json
import re

from codeexec.documents.notebook.outputs import Json

NAME = re.compile(r"[a-zA-Z_.]+[a-zA-Z0-9_.]*")
KEY = re.compile(r"[a-zA-Z0-9_.@/-]+")
UNREADABLE = "incorrectly_encoded_metadata"


def read_attributes(text: str) -> Json:
    """The metadata after a separator: JSON, or pairs of a name and a JSON value."""
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        return value if isinstance(value, dict) else {UNREADABLE: text}
    attributes: Json = {}
    # From the right: values may contain blanks and equal signs, names may not.
    while text := text.strip():
        last = text.rpartition(" ")[2]
        if NAME.fullmatch(last):
            name, value, text = last, None, text[: -len(last)]
        elif pair := _last_pair(text):
            name, value, text = pair
        else:
            return {UNREADABLE: text, **attributes}
        attributes = {name: value, **attributes}
    return attributes


def write_attributes(metadata: Json) -> str:
    """Metadata as pairs of a name and a JSON value, as they stand in a separator."""
    return " ".join(write_attribute(key, value) for key, value in metadata.items())


def write_attribute(key: str, value: object) -> str:
    if value is None and NAME.fullmatch(key):
        return key
    if key == UNREADABLE and isinstance(value, str) and read_attributes(value) == {key: value}:
        return value
    return f"{key}={json.dumps(value, ensure_ascii=False)}"


def with_language(attributes: str, word: str) -> str:
    """The attributes with another language of the cell; empty: without one."""
    own = read_attributes(attributes)
    own.pop("language", None)
    vscode = own.get("vscode")
    if isinstance(vscode, dict) and "languageId" in vscode:
        own["vscode"] = {key: value for key, value in vscode.items() if key != "languageId"}
        if not own["vscode"]:
            del own["vscode"]
    own.pop("magic_args", None)
    return write_attributes({**own, "language": word} if word else own)


def only_language(attributes: str) -> str:
    """Of the attributes those that say the language."""
    own = read_attributes(attributes)
    vscode = own.get("vscode")
    kept: Json = {}
    if isinstance(vscode, dict) and "languageId" in vscode:
        kept["vscode"] = {"languageId": vscode["languageId"]}
    kept |= {key: own[key] for key in ("language", "magic_args") if key in own}
    return write_attributes(kept)


def _last_pair(text: str) -> tuple[str, object, str] | None:
    """The last name with a value, and the text before them."""
    at = len(text)
    while (at := text.rfind("=", 0, at)) >= 0:
        before, _, name = text[:at].rstrip().rpartition(" ")
        if not KEY.fullmatch(name):
            continue
        try:
            return name, _value(text[at + 1 :]), before
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue  # the equal sign is inside the value
    return None


def _value(text: str) -> object:
    """Parse a value as JSON or as a Python literal. ValueError, SyntaxError."""
    try:
        value: object = json.loads(text)
    except ValueError:
        # Sets, bytes and the like are not JSON.
        value = json.loads(json.dumps(ast.literal_eval(text.strip()), default=_refuse))
    return value


def _refuse(value: object) -> object:
    raise ValueError(f"{value!r} is no metadata")

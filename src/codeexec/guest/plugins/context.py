"""The context of plugins: artifacts, log, session variables, environment variables.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import io
import json
import mimetypes
import os
from typing import Any

import codeexec_session as session  # type: ignore[import-not-found]

KINDS = ("chart", "image", "df", "file", "txt", "svg", "html")
LEVELS = ("info", "warning", "error")
LONGEST_NAME = 200  # bytes of a file's name
LONGEST_TEXT = 10000  # characters of a log message
PREVIEW = 100
MOST_LOGGED = 1000  # entries of one execution
MOST_ARTIFACTS = 1000  # of one execution


class Context:
    """The context of a plugin: see `PluginContext` of `plugin_api`."""

    @property
    def env_id(self) -> str:
        return str(session.SESSION.env_id)

    @property
    def session_id(self) -> str:
        return str(session.SESSION.session_id)

    @property
    def execution_id(self) -> str:
        return str(session.SESSION.execution_id)

    @property
    def execution_idx(self) -> int:
        return int(session.SESSION.index)

    def add_artifact(
        self, name: str, file_name: str, type: str, val: Any, desc: str | None = None
    ) -> str:
        """Write `val` into a file of the session's folder; returns the artifact's id."""
        check_artifact(file_name, type)
        data = content_of(type, val)
        preview = preview_of(type, val) if desc is None else desc
        artifact = make_artifact(name, file_name, type, preview)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        path = os.path.join(session.SESSION.folder, artifact["file"])
        with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
            file.write(data)
        report_artifact(artifact)
        return artifact["id"]

    def create_artifact_path(
        self, name: str, file_name: str, type: str, desc: str = ""
    ) -> tuple[str, str]:
        """The id of an artifact, and the path at which the plugin writes it."""
        check_artifact(file_name, type)
        artifact = make_artifact(name, file_name, type, desc)
        report_artifact(artifact)
        return artifact["id"], os.path.join(session.SESSION.folder, artifact["file"])

    def get_session_var(self, variable_name: str, default: str | None = None) -> str | None:
        value: str | None = session.get_session_var(variable_name, default)
        return value

    def log(self, level: str, tag: str, message: str) -> None:
        """Log a message; of one execution the first thousand are kept."""
        if len(session.SESSION.log) > MOST_LOGGED:
            return
        entry = (level if level in LEVELS else "info", str(tag)[:200], str(message)[:LONGEST_TEXT])
        if len(session.SESSION.log) == MOST_LOGGED:
            entry = ("warning", "PluginSession", "More log entries of this execution are not kept.")
        session.SESSION.log.append(entry)
        session.publish("log", level=entry[0], tag=entry[1], message=entry[2])

    def get_env(self, plugin_name: str, variable_name: str) -> str:
        """The environment variable PLUGIN_{plugin_name}_{variable_name}. KeyError without it."""
        name = "PLUGIN_" + plugin_name + "_" + variable_name
        if name not in os.environ:
            raise KeyError(
                "The environment variable " + name + " is not set: set it for the session."
            )
        return os.environ[name]

    def call_llm_api(self, messages: Any, **args: Any) -> None:
        """There is no model behind a session."""

    def wrap_text_with_delimiter_temporal(self, text: str) -> str:
        """Mark text that is of use for a while only."""
        return "<TEMPORAL>\n" + text + "\n</TEMPORAL>"


CONTEXT = Context()


def check_artifact(file_name: str, kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(repr(kind) + " is no type of artifact; there are " + ", ".join(KINDS))
    is_plain = isinstance(file_name, str) and file_name not in ("", ".", "..")
    if not is_plain or "/" in file_name or "\\" in file_name or not file_name.isprintable():
        raise ValueError(
            repr(file_name) + " is no name of a file: an artifact is written into the session's "
            "folder itself, so give a name without slashes"
        )
    if len(file_name.encode("utf-8", "replace")) > LONGEST_NAME:
        raise ValueError("The name of a file has at most " + str(LONGEST_NAME) + " bytes")
    if len(session.SESSION.artifacts) >= MOST_ARTIFACTS:
        raise ValueError("An execution makes at most " + str(MOST_ARTIFACTS) + " artifacts")


def make_artifact(name: str, file_name: str, kind: str, preview: Any) -> dict[str, str]:
    number = len(session.SESSION.artifacts)
    artifact_id = f"obj_{session.SESSION.index}_{kind}_{number:04x}"
    artifact = {
        "id": artifact_id,
        "name": str(name)[:LONGEST_NAME],
        "type": kind,
        "original_name": file_name,
        "file": artifact_id + "_" + file_name,
        "preview": session.text_of(preview),
    }
    session.SESSION.artifacts.append(artifact)
    return artifact


def report_artifact(artifact: dict[str, str]) -> None:
    mime = mimetypes.guess_type(artifact["original_name"])[0]
    default = {"df": "text/csv", "svg": "image/svg+xml", "html": "text/html", "txt": "text/plain"}
    session.publish(
        "artifact",
        artifact=artifact,
        mime=mime or default.get(artifact["type"], "application/octet-stream"),
    )


def content_of(kind: str, value: Any) -> bytes:
    """The bytes of an artifact's file."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if kind == "df" and not isinstance(value, str):
        if hasattr(value, "to_csv"):
            return str(value.to_csv(index=False)).encode()
        if hasattr(value, "write_csv"):
            return str(value.write_csv()).encode()
        raise TypeError("An artifact of type df is a data frame, not " + type(value).__name__)
    if kind == "image":
        target = io.BytesIO()
        if hasattr(value, "savefig"):
            value.savefig(target, format="png")
        elif hasattr(value, "save"):
            value.save(target, format="PNG")
        else:
            raise TypeError("An image is bytes, a figure or a picture, not " + type(value).__name__)
        return target.getvalue()
    text = value if isinstance(value, str) else json.dumps(value) if kind == "chart" else None
    if text is None:
        raise TypeError("An artifact of type " + kind + " is text, not " + type(value).__name__)
    return text.encode("utf-8", "surrogatepass")


def preview_of(kind: str, value: Any) -> str:
    if kind == "chart":
        return "chart"
    if kind == "html":
        return "Web Page"
    if kind == "image":
        return "image"
    if kind == "df" and hasattr(value, "shape"):
        names = list(value.columns)
        return f"DataFrame in shape {tuple(value.shape)} with columns {names}"
    return str(session.text_of(value))[:PREVIEW]

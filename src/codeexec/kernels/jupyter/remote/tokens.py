"""Tokens and logins of Jupyter servers by address, in one file of the state folder, mode 0600."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.errors import StorageError
from codeexec.domain.text.parsing import load_json
from codeexec.hostfiles.private_file import find_private
from codeexec.hostfiles.state import state_folder

FILE = "remote-tokens.json"
VARIABLE = "CODEEXEC_REMOTE_TOKEN"
"""Variable of the environment with the token of the server that is named beside it."""
PASSWORD_VARIABLE = "CODEEXEC_REMOTE_PASSWORD"


def tokens_file(environ: Mapping[str, str] | None = None) -> Path:
    return Path(state_folder(environ)) / FILE


def read_tokens(file: Path | None = None) -> dict[str, str]:
    """The tokens by `ServerAddress.name`. StorageError when others can read the file."""
    text = find_private(file or tokens_file(), 1 << 20)
    if text is None:
        return {}
    try:
        stored = load_json(text)
    except ValueError:
        return {}
    if not isinstance(stored, dict):
        return {}
    return {str(key): value for key, value in stored.items() if isinstance(value, str)}


def keep_token(name: str, token: str, file: Path | None = None) -> None:
    """Keep the token of the server `name`, in place of an earlier one."""
    path = file or tokens_file()
    tokens = read_tokens(path)
    if tokens.get(name) == token:
        return
    tokens[name] = token
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}")  # 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(tokens, stream, indent=1)
        Path(fresh).replace(path)
    except OSError as error:
        raise StorageError(
            f"The token cannot be kept in {path}: {error.strerror or error}.",
            "Make the folder writable, or give the token in CODEEXEC_REMOTE_TOKEN.",
        ) from error


def token_for(name: str, environ: Mapping[str, str] | None = None) -> str:
    """The token for a server: of the environment, else the one that was kept; may be empty."""
    environ = os.environ if environ is None else environ
    return environ.get(VARIABLE) or read_tokens(tokens_file(environ)).get(name, "")

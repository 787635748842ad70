"""Environment variables that a session was opened with: kept beside its journal, until it ends.

They may be passwords. In the journal their bytes would stay after they are deleted, in free pages
and in the write-ahead log; a file of their own can be wiped.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

NAME = "environment.json"


class SecretFile:
    """By key, the environment of what the journal holds under that key. For this user alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def without_env(self, key: str, value: Mapping[str, object]) -> dict[str, object]:
        """`value` without its `env`, which is kept here. That it cannot be written is logged: a
        later restart of the kernel is then without it."""
        public = {name: field for name, field in value.items() if name != "env"}
        env = value.get("env")
        if not env:
            return public
        stored = self._read()
        if stored.get(key) != env:
            try:
                self._write({**stored, key: env})
            except OSError as error:
                log.warning("the environment of the session cannot be kept: %s", error)
        return public

    def with_env(self, key: str, value: object) -> object:
        """What `without_env` was given, as far as it is here."""
        if not isinstance(value, dict):
            return value
        env = self._read().get(key)
        return {**value, "env": env} if env is not None else value

    def forget(self, key: str) -> None:
        """Keep nothing under this key any more."""
        stored = self._read()
        if stored.pop(key, None) is not None:
            try:
                self._write(stored)
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error)

    def remove(self) -> None:
        """Write over it, and delete it."""
        try:
            with self._path.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("%s cannot be written over: %s", self._path, error)
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be deleted: %s", self._path, error)

    def _read(self) -> dict[str, object]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, object])
        except (OSError, ValueError):
            return {}

    def _write(self, values: Mapping[str, object]) -> None:
        beside = self._path.with_name(f".{self._path.name}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(msgspec.json.encode(values))
        beside.replace(self._path)

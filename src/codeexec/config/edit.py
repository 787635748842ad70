"""Change one setting in a TOML file; comments, order and everything else in it stay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.config.keys import Key, convert
from codeexec.config.load import MOST_BYTES
from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError, UsageError
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate

if TYPE_CHECKING:
    import tomlkit


def set_value(file: Path, key: Key, text: str) -> object:
    """Write `key` with the value that `text` means; returns that value.

    The file is made where it is not there. UsageError for a value that the setting does not
    accept and for a file that is no TOML; StorageError, Denied.
    """
    try:
        value = convert(key, text, textual=True)
    except ValueError:
        raise UsageError(f"{text!r} is not {key.accepts}.", f"Give {key.accepts}.") from None
    import tomlkit  # not before it is needed

    section, _, name = key.name.partition(".")
    document = _read(file)
    table = document.get(section)
    if table is None:
        table = document[section] = tomlkit.table()
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {section} is no table.", f"Write [{section}] there.")
    document[section][name] = value
    write_atomic(file, tomlkit.dumps(document).encode())
    return value


def unset_value(file: Path, key: Key) -> bool:
    """Take `key` out of the file; False where it is not in it."""
    import tomlkit  # not before it is needed

    section, _, name = key.name.partition(".")
    document = _read(file)
    table = document.get(section)
    if not isinstance(table, dict) or name not in table:
        return False
    del document[section][name]
    write_atomic(file, tomlkit.dumps(document).encode())
    return True


def _read(file: Path) -> tomlkit.TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        data, info = read(locate(file), MOST_BYTES)
        if info.st_size > MOST_BYTES:
            raise UsageError(f"{file} has more than {MOST_BYTES >> 20} MB.", "Shorten it.")
        return tomlkit.parse(data.decode("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise StorageError(
            f"{file} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} is no TOML: {error}.", "Correct it: codeexec-tui config edit"
        ) from None

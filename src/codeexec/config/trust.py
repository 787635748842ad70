"""What of a folder would be executed if it was trusted, and the user's answer to that."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codeexec.config.load import load, project_file, settings_digest
from codeexec.environments.pythons.projects import pythons_upward
from codeexec.environments.trust.store import TrustStore, default_scope, is_inside
from codeexec.hostfiles.state import PROJECT_FILE


@dataclass(frozen=True, slots=True)
class Finding:
    """Something of a folder that is not used, as its folder `holder` is not trusted. `words` are
    for people; `interpreter` is empty for a setting."""

    words: str
    holder: str
    interpreter: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a folder stands. `is_trusted` is what was decided on it, None: nothing was.
    `was_mounted`: code in a container could have changed it."""

    folder: Path
    is_trusted: bool | None
    findings: tuple[Finding, ...]
    was_mounted: bool = False

    @property
    def is_restricted(self) -> bool:
        """Something of the folder is not used for lack of trust."""
        return bool(self.findings)

    @property
    def is_question(self) -> bool:
        """Something would be executed, and the user has not yet said what is to happen."""
        return self.is_restricted and self.is_trusted is not False


def examine(
    folder: Path,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    uses: str = "",
) -> Standing:
    """Look at files alone. `file` is one that is opened there, `uses` the interpreter that runs
    code already."""
    environ = os.environ if environ is None else environ
    store = TrustStore(environ=environ)
    book = store.read()
    decision = book.decision_on(os.path.realpath(folder))
    if decision is not None and not decision.is_trusted:
        uses = ""  # it runs code until the next restart, and is restricted all the same
    findings = [
        Finding(f"{PROJECT_FILE}: {setting.key} = {setting.value!r}", setting.holder)
        for setting in load(folder, environ=environ, trust=store).withheld
    ]
    if not any(environ.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")):
        start = (folder / file).parent if file is not None else folder
        for holder, _, interpreter in pythons_upward(str(start), environ):
            in_use = (sys.executable, uses)
            if any(_is_same(interpreter, other) for other in in_use) or store.allows(
                holder, interpreter
            ):
                break  # this one is used
            findings.append(Finding(interpreter, holder, interpreter))
            break
    mounted = book.last_mount([os.path.realpath(folder)], os.path.realpath(folder)) > 0
    return Standing(
        folder, decision.is_trusted if decision is not None else None, tuple(findings), mounted
    )


def _is_same(interpreter: str, other: str) -> bool:
    """Whether two paths are one interpreter: links of one name in one environment."""
    folders = {os.path.realpath(Path(path).parent) for path in (interpreter, other)}
    files = {os.path.realpath(path) for path in (interpreter, other)}
    return bool(other) and len(folders) == len(files) == 1


def grant(folder: Path, file: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
    """Trust the folder and all below it, and those files of folders above that count in it.

    StorageError where that cannot be remembered.
    """
    store = TrustStore(environ=environ)
    start = (folder / file).parent if file is not None else folder
    holders = {holder for holder, _, _ in pythons_upward(str(start), environ or os.environ)}
    if (settings := project_file(folder.absolute())) is not None:
        holders.add(str(settings.parent))
    for holder in [str(folder), *sorted(holders - {str(folder)})]:
        is_below = holder != str(folder) and is_inside(holder, str(folder))
        if is_below and not _is_stale(store, holder):
            continue  # trusted with the folder
        file_there = Path(os.path.realpath(holder)) / PROJECT_FILE
        whole = holder == str(folder) or is_below
        store.decide(
            holder,
            is_trusted=True,
            whole=whole and default_scope(holder, environ),
            settings={str(file_there): settings_digest(file_there)},
        )


def restrict(folder: Path, environ: Mapping[str, str] | None = None) -> None:
    """Remember that the folder is not trusted, and is not asked about again."""
    TrustStore(environ=environ).decide(str(folder), is_trusted=False)


def forget(folder: Path, environ: Mapping[str, str] | None = None) -> bool:
    """Forget what was said about the folder; whether it was trusted. One that is trusted with a
    folder above is restricted."""
    store = TrustStore(environ=environ)
    real = os.path.realpath(folder)
    old_decision = store.read().decision_on(real)
    store.forget(real)
    new_decision = store.read().decision_on(real)
    if new_decision is not None and new_decision.is_trusted:
        restrict(folder, environ)
    return old_decision is not None and old_decision.is_trusted


def _is_stale(store: TrustStore, holder: str) -> bool:
    """Whether the folder has a decision, or a mount, of its own that an answer must overrule."""
    real = os.path.realpath(holder)
    book = store.read()
    return real in book.decisions or book.last_mount([real], real) > 0

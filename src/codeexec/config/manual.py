"""The manual of all settings: a configuration file in which each is explained."""

from __future__ import annotations

from codeexec.config.docs import section_docs
from codeexec.config.keys import keys, to_toml
from codeexec.config.profiles import MANUAL as PROFILES_MANUAL
from codeexec.config.remotes import MANUAL as REMOTES_MANUAL
from codeexec.config.servers import MANUAL as SERVERS_MANUAL


def manual() -> str:
    """A whole configuration file in which all settings are explained and commented out."""
    lines = ["# Settings of codeexec-tui. Remove the # before those that you want to change."]
    docs = section_docs()
    last = ""
    for key in keys():
        section, _, name = key.name.partition(".")
        if section != last:
            lines += ["", f"[{section}]  # {docs[section]}"]
            last = section
        lines += [f"# {line}" for line in _wrapped(key.doc)]
        lines.append(f"# {name} = {to_toml(key.default)}  # {key.accepts}")
    return "\n".join(lines) + "\n" + PROFILES_MANUAL + SERVERS_MANUAL + REMOTES_MANUAL


def _wrapped(text: str, width: int = 90) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)

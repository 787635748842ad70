"""Kernel metadata of a notebook: `kernelspec` and `language_info`."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.documents.notebook.convert import Notebook
from codeexec.documents.notebook.outputs import Json

_KEYS = ("name", "version", "mimetype", "file_extension", "pygments_lexer", "nbconvert_exporter")
_LONGEST = 200
_LONGEST_OTHER = 2000
"""Characters of a value, such as `help_links` of metakernels."""
_PYTHON: Json = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def language_info(language: str, version: str, reported: Mapping[str, object]) -> Json:
    """The `language_info` of a notebook, from that which the kernel `reported`, else from the
    name of the language. https://jupyter-client.readthedocs.io/en/latest/messaging.html"""
    if not reported:
        defaults = dict(_PYTHON) if language in ("", "python") else {"name": language}
        return defaults | ({"version": version} if version else {})
    info = {key: value for key, value in reported.items() if _is_valid(key, value)}
    return {"name": language} | info


def _is_valid(key: str, value: object) -> bool:
    """Whether the value has the type that the format wants, and is short."""
    if key in _KEYS and not isinstance(value, str):
        return False
    if key == "codemirror_mode" and not isinstance(value, str | dict):
        return False
    return len(str(value)) <= (_LONGEST if key in _KEYS else _LONGEST_OTHER)


def kernelspec(name: str, display_name: str, language: str) -> Json:
    """A path of an interpreter is valid on one machine only, so it is written as `python3`."""
    shared = "python3" if "/" in name or not name else name
    return {"display_name": display_name or shared, "language": language, "name": shared}


def with_language(
    notebook: Notebook, language: str, version: str, reported: Mapping[str, object]
) -> Notebook:
    """A copy with its `language_info` updated."""
    previous = (notebook.data.get("metadata") or {}).get("language_info")
    base = previous if isinstance(previous, dict) else {}
    info = {**base, **language_info(language, version, reported)}
    return notebook.with_metadata("language_info", info)

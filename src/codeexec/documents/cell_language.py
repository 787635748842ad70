"""Languages of cells: the words by which documents name them, and where a notebook keeps them.

A language has the name of our catalog, in lower case; an unknown word stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from codeexec.documents.notebook.outputs import Json
from codeexec.domain.language_words import LANGUAGE_WORDS

_VSCODE = {"bash": "shellscript"}
"""Where VS Code has another id: https://code.visualstudio.com/docs/languages/identifiers"""
_POLYGLOT = {"powershell": "pwsh", "kusto": "kql"}
_PLACEHOLDERS = frozenset({"polyglot-notebook", "dotnet-interactive", "plaintext"})
"""Ids of VS Code that say nothing of the language: the kernel is named elsewhere."""
_WORD = re.compile(r"[^\s\"'`\\/]{1,40}")
_LONGEST = 40


def canonical(word: object) -> str:
    """The name of the language that a word means, also with a version (`python3`); empty where it
    is no word, such as a number or a list."""
    if not isinstance(word, str):
        return ""
    lowered = word.strip().lower()
    if not _WORD.fullmatch(lowered) or not lowered.isprintable():
        return ""
    plain = re.sub(r"(?<=[a-z])[\d.]+$", "", lowered)
    return LANGUAGE_WORDS.get(lowered) or LANGUAGE_WORDS.get(plain, plain)


def vscode_id(language: str) -> str:
    """The id of a language in VS Code."""
    return _VSCODE.get(language, language)


# -- notebooks -----------------------------------------------------------------------------------


class NotebookLanguages(NamedTuple):
    """The language of a notebook, and the kernels of a SoS notebook by their names (None: it is
    none)."""

    main: str = ""
    sos: Mapping[str, str] | None = None

    @classmethod
    def of(cls, metadata: Json, main: str) -> NotebookLanguages:
        """`main` is the language that the notebook's metadata name."""
        sos = metadata.get("sos")
        if not isinstance(sos, dict):
            return cls(canonical(main))
        rows = sos.get("kernels")
        kernels: dict[str, str] = {}
        for row in rows if isinstance(rows, list) else ():
            # Name, Jupyter kernel, language, colour, …
            words = row[:3] if isinstance(row, list) else []
            if words and isinstance(words[0], str):
                kernels[words[0]] = canonical(words[-1]) or canonical(words[0])
        return cls(canonical(main), kernels)

    def own(self, metadata: object) -> str:
        """The language of a cell with these metadata; empty: that of the notebook."""
        if not isinstance(metadata, dict):
            return ""
        language = self._sos(metadata) or _named(metadata)
        return "" if language == self.main else language

    def _sos(self, metadata: Json) -> str:
        kernel = metadata.get("kernel")
        if self.sos is None or not isinstance(kernel, str):
            return ""
        return self.sos.get(kernel) or canonical(kernel)

    def with_own(self, metadata: Json, language: str) -> Json:
        """The metadata with a language of the cell (empty: that of the notebook), written where
        the cell has it, else as VS Code does."""
        changed = {**metadata}
        if self.sos is not None and (name := self._sos_name(language)):
            changed["kernel"] = name
            return _without_vscode(changed)
        if isinstance(changed.get("language"), str):
            del changed["language"]
        for key, word in (("polyglot_notebook", "kernelName"), ("dotnet_interactive", "language")):
            own = changed.get(key)
            if not isinstance(own, dict) or word not in own:
                continue
            if language:
                changed[key] = {**own, word: _POLYGLOT.get(language, language)}
            else:
                changed[key] = {name: value for name, value in own.items() if name != word}
                if not changed[key]:
                    del changed[key]
        if not language:
            return _without_vscode(changed)
        if _named(changed) != language:
            vscode = changed.get("vscode")
            own_vscode = vscode if isinstance(vscode, dict) else {}
            changed["vscode"] = {**own_vscode, "languageId": vscode_id(language)}
        if self.sos is not None:
            changed.pop("kernel", None)
        return changed

    def _sos_name(self, language: str) -> str:
        """The name of the SoS kernel of a language; empty where the notebook has none."""
        wanted = language or self.main
        return next((name for name, own in (self.sos or {}).items() if own == wanted), "")


def _named(metadata: Json) -> str:
    """The language that VS Code, Polyglot or jupytext has written into the metadata of a cell."""
    vscode = metadata.get("vscode")
    word = vscode.get("languageId") if isinstance(vscode, dict) else ""
    language = canonical(word)
    if language and language not in _PLACEHOLDERS:
        return language
    for key, name in (("polyglot_notebook", "kernelName"), ("dotnet_interactive", "language")):
        own = metadata.get(key)
        if isinstance(own, dict) and (language := canonical(own.get(name))):
            return language
    return canonical(metadata.get("language"))


def _without_vscode(metadata: Json) -> Json:
    """Without the language of VS Code; other values of it stay."""
    vscode = metadata.get("vscode")
    if not isinstance(vscode, dict) or "languageId" not in vscode:
        return metadata
    rest = {key: value for key, value in vscode.items() if key != "languageId"}
    changed = {key: value for key, value in metadata.items() if key != "vscode"}
    return {**changed, "vscode": rest} if rest else changed


# -- scripts -------------------------------------------------------------------------------------

MAGICS = frozenset({
    "R", "bash", "c#", "c++", "clojure", "cmd", "coconut", "cs", "csharp", "cython", "f#",
    "fs", "fsharp", "gnuplot", "go", "groovy", "haskell", "html", "idl", "java",
    "javascript", "jenner", "js", "julia", "latex", "logtalk", "lua", "markdown", "matlab",
    "maxima", "ocaml", "octave", "perl", "powershell", "pypy", "python", "python2",
    "python3", "q", "robotframework", "ruby", "rust", "sage", "sas", "scala", "scheme",
    "script", "sh", "sos", "spark", "sql", "stata", "svg", "tcl", "typescript", "xonsh",
})  # fmt: skip
"""Languages that jupytext takes for cell magics: `language="bash"` is a cell `%%bash`."""
_IPYTHONS = frozenset({
    "coconut", "cython", "html", "latex", "markdown", "pypy", "python", "python2", "python3",
    "script", "spark", "sql", "svg", "xonsh",
})  # fmt: skip
"""Those of them that IPython runs; the others have kernels, or run as programs."""


def script_word(language: str, metadata: Json | None = None) -> str:
    """The word for a language in a separator of a script: the one of jupytext, which `metadata` of
    the cell may have."""
    word = (metadata or {}).get("language")
    if isinstance(word, str) and canonical(word) == language:
        return word
    return "R" if language == "r" else language


class CellForm(NamedTuple):
    """How a code cell stands in its text: in `language` (empty: that of the document), each line
    `is_commented`, or to be run with `magic` as its first line."""

    language: str = ""
    is_commented: bool = False
    magic: str = ""


PLAIN = CellForm()


def script_form(attributes: Json, main: str) -> CellForm:
    """The form that the attributes of a separator of a script in the language `main` say."""
    word = attributes.get("language")
    if isinstance(word, str) and (language := canonical(word)):
        if language == main:
            return PLAIN
        arguments = attributes.get("magic_args")
        is_magic = word in MAGICS and (arguments or word in _IPYTHONS)
        if main == "python" and is_magic:
            return CellForm("", True, f"%%{word} {arguments or ''}".rstrip())
        return CellForm(language, True)
    vscode = attributes.get("vscode")
    language = canonical(vscode.get("languageId")) if isinstance(vscode, dict) else ""
    return CellForm("" if language == main else language)

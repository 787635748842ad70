"""The words by which documents, kernels and people name a language besides its own name."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGE_WORDS: Mapping[str, str] = {
    "c++": "cpp",
    "cc": "cpp",
    "cxx": "cpp",
    "shellscript": "bash",
    "shell": "bash",
    "sh": "bash",
    "zsh": "bash",
    "py": "python",
    "ipython": "python",
    "js": "javascript",
    "node": "javascript",
    "javascriptreact": "javascript",
    "ts": "typescript",
    "typescriptreact": "typescript",
    "golang": "go",
    "rs": "rust",
    "rb": "ruby",
    "md": "markdown",
    "plain": "text",
    "pwsh": "powershell",
    "c#": "csharp",
    "f#": "fsharp",
    "kql": "kusto",
}
"""In lower case, to the name of our catalog."""

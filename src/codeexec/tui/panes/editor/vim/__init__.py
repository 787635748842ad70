"""Vim's keys for the code editor."""

from __future__ import annotations

from codeexec.tui.panes.editor.vim.keys import Mode, VimKeys

__all__ = ["Mode", "VimKeys"]

"""Libraries that are loaded in helper processes alone, and how to install them."""

from __future__ import annotations

INSTALL = "pip install 'codeexec-tui[rich]'"
"""The command that installs what draws charts, diagrams, formulas and PDF, and reads tables."""

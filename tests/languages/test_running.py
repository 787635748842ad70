"""Which files a kernel of a language runs, and what is said of the others."""

from __future__ import annotations

import pytest

from codeexec.languages.running import refusal


@pytest.mark.parametrize(
    ("name", "first", "kernel"),
    [
        ("a.py", "", "python"),
        ("a.pyi", "", ""),
        ("a.ipynb", "", "python"),
        ("tool", "", "python"),
        ("tool", "#!/usr/bin/env python3", "python"),
        ("notes.xyz", "", "python"),
        ("a.R", "", "R"),
        ("a.cpp", "", "C++"),
        ("a.sh", "", "bash"),
    ],
)
def test_files_that_are_run(name: str, first: str, kernel: str) -> None:
    assert refusal(name, first, kernel) is None


@pytest.mark.parametrize(
    ("name", "first", "kernel", "says"),
    [
        ("a.cpp", "", "python", "C++"),
        ("a.sh", "", "python", "Shell"),
        ("a.js", "", "python", "JavaScript"),
        ("a.R", "", "python", "R, and the kernel runs Python"),
        ("a.md", "", "python", "Markdown"),
        ("a.csv", "", "python", "data (CSV)"),
        ("a.TSV", "", "python", "data (TSV)"),
        ("a.json", "", "python", "JSON"),
        ("a.toml", "", "python", "TOML"),
        ("Makefile", "", "python", "Makefile"),
        ("tool", "#!/bin/bash", "python", "Shell"),
        ("a.py", "", "R", "Python, and the kernel runs R"),
        ("a.jl", "", "klingon", "kernel runs klingon"),
    ],
)
def test_files_that_are_refused(name: str, first: str, kernel: str, says: str) -> None:
    refused = refusal(name, first, kernel)
    assert refused is not None
    assert says in refused.message
    assert refused.next_step

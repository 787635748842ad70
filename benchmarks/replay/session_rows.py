"""Rows of UX.md about sessions, files, marks and screens over the workbench."""

from __future__ import annotations

import time

from benchmarks.replay.screen import Screen


def _leave(screen: Screen) -> None:
    screen.press("Ctrl+Q")
    screen.ends()


def _choose(screen: Screen, words: str, row: str) -> None:
    """Choose a row of the palette by a click."""
    screen.press("Ctrl+P")
    screen.shows("what do you want to do?")
    screen.send(words)
    screen.hides("Open a file…")  # the list of all commands has this row at another place
    screen.shows(row)
    screen.click(row, last=True)


def watching(screen: Screen) -> None:
    """M5: a watcher sees unsaved text, is refused by keys and by mouse, and goes along."""
    page = screen.home / "work" / "page.py"
    before = page.read_text()
    screen.press("Alt+1")
    screen.send("abc")
    screen.shows("abc# %% Numbers")
    student = screen.another("attach", "--watch")
    student.shows("watching only", "abc# %% Numbers")
    assert "unsaved text" not in student.text(), student.text()
    student.press("Alt+1")
    student.send("STUDENT")
    student.press("Ctrl+S")
    student.shows("This workbench only watches")
    student.hides("This workbench only watches")
    student.click("▷")
    student.shows("This workbench only watches")
    assert "STUDENT" not in student.text() and page.read_text() == before
    student.press("Down", "Down", "End")
    student.shows("let go")
    student.press("Alt+y")
    student.shows("following")
    screen.press("End")
    screen.send("def")
    student.shows("abc# %% Numbersdef")
    screen.press("Alt+2")
    screen.send("print(40+2)\r")
    student.shows("  42")
    student.press("Ctrl+Q")
    student.ends()


def marks(screen: Screen) -> None:
    """m8, m9: marks follow the text through undo and Replace all, and go with the kernel."""
    screen.press("Alt+1")
    screen.click("▷")
    screen.shows("✓")
    screen.press("Down", "x")
    screen.shows("~")
    screen.press("Ctrl+Z")
    screen.shows("✓")
    screen.press("Alt+r")
    screen.shows("regex")
    screen.send("sum")
    screen.shows("1 of")
    screen.press("Tab")
    screen.send("SUM")
    screen.press("Alt+a")
    screen.shows("SUM(")
    screen.press("Esc", "Ctrl+Z")
    screen.shows('"sum", sum(', "✓")
    screen.press("Shift+F9")
    screen.shows("Restart the kernel?")
    screen.click("Restart", last=True)
    screen.hides("✓  1")


def attaching(screen: Screen) -> None:
    """m11, m38, m39: attach opens the session's files; own cards have no origin; stop by name."""
    screen.run("print('mine')", 1)
    screen.press("Alt+1", "Down", "Down")
    screen.shows("3:1")
    _leave(screen)
    (screen.home / "work" / "show.py").write_text("other = 1\n")
    other = screen.another("--session", "second", "show.py")
    other.shows("other = 1", "● idle")
    _leave(other)
    listed = screen.shell("sessions", "list")
    name = next(row.split()[0] for row in listed.splitlines() if "work" in row.split())
    back = screen.another("attach", name)
    back.shows("page.py", "# %% Numbers", "3:1")
    assert "other = 1" not in back.text()
    back.press("Alt+2")
    back.shows("mine")
    assert "⇄" not in back.text(), back.text()
    back.press("Alt+9")
    back.shows("second")
    back.click("second")
    back.press("Esc")
    assert "stopped: second" in screen.shell("sessions", "stop", "second")


def mistyped(screen: Screen) -> None:
    """M25: the reason of a mistyped kernel is whole; F12 by a click; it does not stick."""
    screen.shows("nope is no kernel that is installed")
    if screen.lines < 30:
        screen.press("Alt+2")
    screen.shows("chooses a kernel")
    screen.click("F12 choose a kernel")
    screen.shows("a kernel, or the path of a Python")
    screen.press("Esc")
    screen.hides("a kernel, or the path of a Python")
    _leave(screen)
    again = screen.another("page.py")
    again.shows("● idle")


def follow(screen: Screen) -> None:
    """M26: Run all, from the palette by a click, follows the running cell."""
    page = "".join(
        f"# %% part {n}\nimport time\nfor k in range(5):\n    print('part', {n}, k)\n"
        f"    time.sleep({2 if n == 1 else 0})\n\n" for n in range(9)
    )  # fmt: skip
    (screen.home / "work" / "page.py").write_text(page)
    screen.press("Alt+1")
    screen.shows("part 0")
    _choose(screen, "run all", "Run all")
    if screen.lines >= 30:
        screen.shows("queued")
    screen.shows("part 1 2")
    screen.shows("part 1 4")
    screen.press("Alt+2")
    screen.shows("part 8 4")


def untitled(screen: Screen) -> None:
    """m34: Save in the question at leaving, by a click, asks for a name and leaves."""
    screen.press("Alt+1", "Ctrl+T")
    screen.shows("untitled-1")
    screen.send("y = 2")
    screen.shows("y = 2")
    screen.press("Ctrl+Q")
    screen.shows("Discard")
    screen.click("Save", last=True)
    screen.shows("Save as")
    screen.press("Ctrl+U")
    screen.send("named.py")
    screen.shows("named.py")
    screen.press("Enter")
    screen.ends()
    assert (screen.home / "work" / "named.py").read_text() == "y = 2"


def last_cell(screen: Screen) -> None:
    """m35: F6 on the last cell adds one behind a blank line, which is not saved."""
    page = screen.home / "work" / "page.py"
    page.write_text("# %% only\nprint(42)")
    screen.shows("# %% only")
    screen.press("Alt+1", "F6")
    screen.shows("✓")
    rows = screen.text().split("\n")
    row = next(n for n, line in enumerate(rows) if "print(42)" in line)
    assert "# %%" not in rows[row + 1] and "# %%" in rows[row + 2], screen.text()
    screen.press("Ctrl+S")
    time.sleep(0.5)
    assert page.read_text().rstrip("\n") == "# %% only\nprint(42)", page.read_text()


def docs(screen: Screen) -> None:
    """m36: documentation in the editor is whole, by PgDn and by the wheel."""
    screen.run("import json", 1)
    screen.press("Alt+1", "Ctrl+T")
    screen.shows("untitled-1")
    screen.send("json.dumps")
    screen.shows("json.dumps")
    screen.press("Esc", "Alt+i")
    screen.shows("Signature", "PgDn")
    screen.press("PgDn", "PgDn")
    screen.hides("Signature")
    screen.press("PgUp", "PgUp")
    screen.shows("Signature")
    screen.wheel("Signature", 4)
    screen.hides("Signature")
    screen.press("Esc")
    screen.hides("PgDn")


def empty(screen: Screen) -> None:
    """m32: the first screen names its keys, and typing in it begins a document."""
    screen.shows("Ctrl+O open", "quit")
    screen.press("Alt+1")
    screen.send("print(6*7)")
    screen.shows("print(6*7)", "untitled-1")
    screen.press("F5", "Alt+2")
    screen.shows("  42")


def one_read(screen: Screen) -> None:
    """m12: keys that arrive in one read with `i`, `/` or F2 go where they belong."""
    screen.run("dynamic = 1", 1)
    screen.press("Esc")
    time.sleep(0.3)
    screen.send("iabc")
    screen.shows("abc")
    screen.press("Ctrl+C", "Alt+4")
    screen.shows("dynamic")
    screen.send("/dynamic")
    time.sleep(0.5)
    screen.shows("dynamic")
    assert "Delete" not in screen.text(), screen.text()
    screen.press("Esc")
    screen.send("\x1b2xyz\x1b1qrs")
    screen.shows("qrs# %% Numbers")


def opening(screen: Screen) -> None:
    """m46: Ctrl+O lists the folder's files first; a row by a click."""
    (screen.home / "work" / "alpha.py").write_text("alpha = 1\n")
    screen.press("Ctrl+O")
    screen.shows("alpha.py", "page.py")
    assert "lately" not in screen.text()
    screen.click("alpha.py", last=True)
    screen.shows("alpha = 1")


def new_file(screen: Screen) -> None:
    """m45: a file in a folder that is not there says so; a mistyped command is refused."""
    screen.press("Alt+1")
    screen.shows("New file in a folder that does not")
    assert "attach" in screen.shell("atach")
    screen.send("z = 1")
    screen.press("Ctrl+S")
    written = screen.home / "work" / "nosuch" / "dir" / "file.py"
    screen.until(written.exists, "not written")


def themes(screen: Screen) -> None:
    """p47: the list of themes stands at the side, marks the current one, previews by a click."""
    _choose(screen, "theme", "Change the theme")
    screen.shows("current", "high contrast", "no colour")
    before = screen.styled()
    screen.click("Paper")
    screen.until(lambda: screen.styled() != before, "no preview")
    screen.press("Esc")
    screen.hides("high contrast")


def settings(screen: Screen) -> None:
    """p52, p54: settings say their default, and refuse a wrong number once; a row by a click."""
    screen.press("Alt+0")
    screen.shows("harbour (default)")
    screen.press("/")
    screen.send("tab_size")
    screen.shows("tab_size")
    screen.press("Enter")
    screen.click("tab_size", last=True)
    screen.press("Enter")
    screen.press("Ctrl+U")
    screen.send("four\r")
    screen.shows("is not a whole number")


def numbers(screen: Screen) -> None:
    """p50, p49: a blank between mark and three digits; "→" keeps its column when selected."""
    page = "".join(f"# %% part {n}\nprint({n})\n\n" for n in range(60))
    (screen.home / "work" / "page.py").write_text(page)
    screen.shows("part 0")
    screen.press("Alt+1", "Alt+g")
    screen.shows("Go to a cell")
    screen.send("part 40")
    screen.press("Enter")
    screen.shows("121:1")
    screen.click("print(40)")
    screen.press("F5")
    screen.shows("✓ 121")
    screen.run("1+1", 2)
    column, row = screen.place("→ 2")
    screen.click_at(column, row)
    time.sleep(0.3)
    assert screen.place("→ 2")[0] == column, screen.text()


def files(screen: Screen) -> None:
    """p51, p55: Files grows with the screen; no place of a hidden editor; rows by a click."""
    (screen.home / "work" / "alpha.py").write_text("alpha = 1\n")
    if screen.lines < 30:
        screen.press("Down", "Alt+2")
        screen.hides("2:1")
        screen.press("Alt+5")
    screen.shows("alpha.py")
    if screen.lines >= 30:
        width = screen.text().split("\n")[5].index("│")
        assert width >= (28 if screen.columns == 200 else 16), width
    screen.click("alpha.py")
    screen.shows("alpha = 1")
    screen.press("Alt+1", "x")
    screen.shows("xalpha = 1")
    screen.press("Alt+5", "r")
    screen.shows("Rename")
    screen.press("Ctrl+U")
    screen.send("beta\r")
    screen.until(lambda: (screen.home / "work" / "beta.py").exists(), "not renamed")
    screen.press("Alt+1")
    screen.shows("beta.py")
    time.sleep(3)  # longer than between two looks at the disk
    assert "gone from the disk" not in screen.text(), screen.text()


def conflict(screen: Screen) -> None:
    """C: the banner of a file that changed on disk; reload by a click."""
    screen.press("Alt+1")
    screen.send("mine")
    screen.shows("mine# %%")
    (screen.home / "work" / "page.py").write_text("theirs = 1\n")
    screen.shows("has changed on disk")
    screen.click("eload")
    screen.shows("theirs = 1")


def tabs(screen: Screen) -> None:
    """Documents: tabs by keys and clicks, close, reopen, save as, layout keys."""
    (screen.home / "work" / "alpha.py").write_text("alpha = 1\n")
    screen.press("Ctrl+O")
    screen.shows("alpha.py")
    screen.send("alpha\r")
    screen.shows("alpha = 1")
    screen.press("Alt+1")
    screen.click("page.py ×" if "page.py ×" in screen.text() else "page.py")
    screen.shows("# %% Numbers")
    screen.press("\x1b[1;3C")
    screen.shows("alpha = 1")
    screen.press("Alt+w")
    screen.hides("alpha = 1")
    _choose(screen, "reopen", "Reopen the last closed tab")
    screen.shows("alpha = 1")
    screen.press("Alt+S")
    screen.shows("Save as")
    screen.press("Ctrl+U")
    screen.send("gamma.py\r")
    screen.until((screen.home / "work" / "gamma.py").exists, "not saved")
    screen.press("Alt+t", "Alt+v", "Alt+v", "Alt+t", "Alt+m", "Alt+m")
    screen.shows("alpha = 1")
    screen.press("Alt+7", "Alt+8", "Alt+7")
    screen.shows("alpha = 1", "F1")


def sessions(screen: Screen) -> None:
    """Session controllers: rename, another kernel, back, a new session, by palette clicks."""
    screen.run("a = 1", 1)
    _choose(screen, "rename this", "Rename this session")
    screen.shows("ename")
    screen.press("Ctrl+U")
    screen.send("lesson\r")
    screen.until(lambda: "lesson" in screen.shell("sessions", "list"), "not renamed")
    _choose(screen, "start another kernel", "Start another kernel in the session")
    screen.shows("a kernel, or the path of a Python", "kernelspec")
    screen.press("Enter")
    screen.shows("python-2")
    screen.send("\x1b[24;2~")
    _choose(screen, "begin a new session", "Begin a new session here")
    screen.shows("● idle", "Numbers")
    screen.press("Alt+9")
    screen.shows("lesson")
    screen.click("lesson")
    screen.hides("Sessions")
    screen.press("Alt+2")
    screen.shows("a = 1", "[1]")


ROWS = (
    watching, marks, attaching, follow, untitled, last_cell, docs, one_read, opening, themes,
    settings, numbers, files, conflict, tabs, sessions,
)  # fmt: skip
"""Rows that begin with `PAGE` in the editor."""

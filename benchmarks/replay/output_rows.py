"""Rows of UX.md about outputs: pictures, tables, markup, copied and cut text."""

from __future__ import annotations

import time

from benchmarks.replay.screen import Screen


def pictures(screen: Screen) -> None:
    """B2: Artifacts show the newest picture, also with tables between; older ones by a click."""
    screen.run("import pandas as pd; from PIL import Image; df = pd.DataFrame({'aa': [1]})", 1)
    for count, (size, colour) in enumerate(
        [((90, 60), "lime"), ((70, 60), "red"), ((60, 90), "blue")]
    ):
        screen.run("df", 2 + 2 * count)
        screen.run(f"Image.new('RGB', {size}, '{colour}')", 3 + 2 * count)
        screen.press("Alt+3")
        screen.shows(f"{size[0]}×{size[1]}")
    colours = {"lime": "5;46m", "red": "5;196m", "blue": "5;21m"}
    for text, colour in (("70×60", "red"), ("90×60", "lime"), ("60×90", "blue")):
        screen.click(text)
        time.sleep(0.3)
        mark, others = colours[colour], set(colours.values()) - {colours[colour]}
        if screen.lines < 30:
            screen.paints(mark)
            assert not any(other in screen.styled() for other in others), colour


def markup(screen: Screen) -> None:
    """M6, M7, m42: text beside a table, grouping in formulas, addresses of media."""
    screen.run("from IPython.display import HTML, Math, IFrame, Audio", 1)
    screen.run("HTML('<h1>Hello</h1><p>words</p><ul><li>item</li></ul><table><tr><td>cell</td>"
               "<td>two</td></tr></table>')", 2)  # fmt: skip
    screen.shows("Hello", "item", "cell")
    screen.run(r"Math(r'e^{-x^2}/\sqrt{x}')", 3)
    screen.shows("√")
    assert "e^-x²/" not in screen.text().replace("e^(-x²)", ""), screen.text()
    screen.run("IFrame('https://example.org/a', 4, 3)", 4)
    screen.shows("[page https://example.org/a", "O opens it")
    screen.run("Audio(url='https://example.org/b.mp3')", 5)
    screen.shows("audio")
    assert "Your browser does not" not in screen.text()


def frames(screen: Screen) -> None:
    """M18, m10: frames fit the pane, polars has its own shape and headers; a heading by a click."""
    screen.run("import pandas as pd, polars as pl", 1)
    screen.run("pd.DataFrame({f'column{n}': [n * 1.5] * 3 for n in range(20)})", 2)
    screen.shows("column19")
    screen.run("pl.DataFrame({'order_id': range(5000), 'name': ['ada'] * 5000})", 3)
    screen.press("Alt+3")
    screen.shows("5,000×2" if "5,000×2" in screen.text() else "5000×2", "order_id")
    assert "order_id / i64" not in screen.text() and '"ada"' not in screen.text(), screen.text()


def copying(screen: Screen) -> None:
    """m13, p48: a wrapped line is copied whole by mouse; a drag is no click; rows are counted."""
    screen.run("print('word ' * 70 + 'end')", 1)
    time.sleep(1)  # the panes at the side come at the first run
    first = screen.place("word word")
    column, row = screen.place("end", last=True)
    screen.drag(first, (column + 2, row))
    screen.press("Ctrl+C")
    screen.until(lambda: "word" in screen.clipboard(), "nothing copied")
    copied = screen.clipboard().strip()
    assert "\n" not in copied and copied.count("word") == 70, copied
    screen.run("1/0", 2)
    column, row = screen.place("ZeroDivisionError", last=True)
    screen.drag((column, row - 2), (column + 8, row))
    time.sleep(0.5)
    assert "was typed into" not in screen.text(), screen.text()
    screen.press("Esc")
    screen.run("print('one')", 3)
    screen.press("Esc")
    time.sleep(0.3)
    screen.press("y")
    screen.shows("1 row copied")


def cut(screen: Screen) -> None:
    """m43: code that is cut ends in an ellipsis, prose breaks between words."""
    screen.run("x = '" + "letters" * 40 + "'; print('literals ' * 60)", 1)
    screen.shows("…")
    for line in screen.text().split("\n"):
        for word in line.replace("│", " ").split():
            if word.startswith("liter"):
                assert word == "literals", line
    screen.run("undefined_name", 2)
    screen.shows("NameError", "Traceback")


def toasts(screen: Screen) -> None:
    """m44: a toast stands at the bottom right, and waiting for an answer does not count."""
    screen.press("Alt+2")
    screen.send("name = input('Name? ')\r")
    screen.shows("waiting for your answer")
    time.sleep(11)
    screen.send("ada\r")
    screen.shows("● idle")
    time.sleep(0.5)
    assert "done after" not in screen.text(), screen.text()
    screen.send("import time; time.sleep(11)\r")
    time.sleep(0.5)
    screen.press("Alt+1")  # from elsewhere: at the console it is seen
    screen.shows("done after")
    column, row = screen.place("done after")
    assert row > screen.lines // 2 and column > screen.columns // 3, (column, row)


def clusters(screen: Screen) -> None:
    """p57, p53: families and flags tear no row; no wide glyph among the marks."""
    family = "\\U0001F468\\u200D\\U0001F469\\u200D\\U0001F467"
    screen.run(f"print('{family} a\\n\\U0001F1E9\\U0001F1EA b\\nplain c')", 1)
    screen.shows("plain c", "DE b")
    assert "⚡" not in screen.text()
    lines = screen.text().split("\n")
    if screen.lines >= 30:
        plain = next(line for line in lines if "  plain c" in line)
        flag = next(line for line in lines if "DE b" in line)
        assert plain.count("│") == flag.count("│"), (plain, flag)


def vectors(screen: Screen) -> None:
    """p58: an SVG has its own size."""
    screen.run("from IPython.display import SVG", 1)
    screen.run("SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"120\" height=\"60\">"
               "<rect width=\"120\" height=\"60\" fill=\"red\"/></svg>')", 2)  # fmt: skip
    screen.press("Alt+3")
    screen.shows("120×60")


def colours(screen: Screen) -> None:
    """M27: with 256 colours the grounds are greys or hand-chosen, and syntax has colours."""
    styled = screen.styled()
    assert "48;5;17m" not in styled and "48;5;230m" not in styled, "navy rows"
    codes = {part.split("m")[0] for part in styled.split("38;5;")[1:]}
    assert len(codes) >= 5, codes


def variables(screen: Screen) -> None:
    """Variables: a row by a click, sorting by a heading, a table and back."""
    screen.run("import pandas as pd; frame = pd.DataFrame({'aa': [3, 1, 2]}); word = 'w'", 1)
    screen.press("Alt+4")
    screen.shows("frame", "word")
    screen.click("frame", last=True)
    screen.press("Enter")
    screen.shows("aa")
    screen.click("aa")
    time.sleep(0.3)
    screen.press("Esc")
    screen.shows("word")


def cards(screen: Screen) -> None:
    """Console controllers: fold, rerun, edit, history, search by keys; fold by a click."""
    screen.run("for n in range(6): print('row', n)", 1)
    screen.press("Esc")
    time.sleep(0.3)
    screen.press(" ")
    screen.hides("row 5")
    screen.press(" ")
    screen.shows("row 5")
    screen.press("r")
    screen.shows("[2]")
    screen.press("i")
    screen.send("never")
    screen.shows("never")
    screen.press("Ctrl+C", "Ctrl+R")
    screen.send("range")
    screen.shows("range(6)")
    screen.press("Esc", "Esc")
    screen.click("row 3", button=2)
    screen.shows("Copy")
    screen.press("Esc")
    screen.hides("Paste")


ROWS = (
    pictures, markup, frames, copying, cut, toasts, clusters, vectors, colours, variables, cards,
)  # fmt: skip
"""Rows that begin with `PAGE` in the editor."""

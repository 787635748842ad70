"""The question of trust in the workbench: when it comes, what answers it, what follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from codeexec.config.trust import Finding, Standing
from codeexec.tui.screens.trust_question import TrustQuestion
from support.pane_app import until
from support.screen_app import ScreenApp

STANDING = Standing(
    Path("/home/me/clone"),
    None,
    (
        Finding(
            "/home/me/clone/.venv/bin/python", "/home/me/clone", "/home/me/clone/.venv/bin/python"
        ),
        Finding(".codeexec.toml: kernel.name = '\x1b]0;x\x07'", "/home/me/clone"),
    ),
    was_mounted=True,
)


def question() -> ScreenApp:
    return ScreenApp(TrustQuestion(STANDING, "/usr/bin/python3"))


@pytest.mark.parametrize(
    ("keys", "answer"), [("t", "trust"), ("n", "restrict"), ("escape", "restrict")]
)
async def test_one_key_answers(keys: str, answer: str) -> None:
    app = question()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TrustQuestion))
        await pilot.press(keys)
        await until(pilot, lambda: app.answers)
    assert app.answers == [answer]


@pytest.mark.parametrize("word", ["to", "tt", "st", "enter", "t="])
async def test_a_word_that_is_being_typed_trusts_nothing(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between two keys of a test there may be more time than between those of a person.
    monkeypatch.setattr("codeexec.tui.screens.trust_question.ALONE", 30.0)
    app = question()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TrustQuestion))
        await pilot.press(*(word if word != "enter" else ["enter"]))
        if word == "st":
            await pilot.press("x")
        await pilot.press("n")
        await until(pilot, lambda: app.answers)
    assert app.answers == ["restrict"]


async def test_the_question_says_what_would_be_executed_and_is_printable() -> None:
    app = question()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(
            pilot, lambda: isinstance(app.screen, TrustQuestion) and app.screen.query("#hints")
        )
        words = str(app.screen.query_one("#words", Static).content)
        assert "/home/me/clone/.venv/bin/python" in words
        assert "kernel.name" in words
        assert "container" in words
        assert "/usr/bin/python3" in words
        assert not set(words) & {"\x1b", "\x07"}
        hints = app.screen.query_one("#hints")
        await until(pilot, lambda: hints.region.y > 0)
        await pilot.pause()
        await pilot.click("#hints", offset=(3, 0))
        await until(pilot, lambda: app.answers)
    assert app.answers == ["trust"]

"""A lesson on the page: its text, its code, and its runs in their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.documents.lessons.files import open_lesson
from codeexec.documents.lessons.to_page import page_lesson
from codeexec.domain import requests as q
from codeexec.domain.errors import Unavailable, UsageError
from codeexec.domain.events import CellRef
from codeexec.languages.catalog import running_language
from codeexec.server.browser.addresses import HELD_LESSONS, PageAddresses
from codeexec.server.browser.pages import LONGEST_LESSON
from support.chromium import needs_chromium
from support.servers import Here
from support.shown_page import shown_session

TEXT = """---
title: A lesson to look at
setup: secret = 1
---

# The first step

Text before the *code* <script>top.stolen = 1</script>.

```python
print("one")
```

```output
one
```

Text after it.

<!-- A note for the speaker -->

# The second step

```python hidden
hidden = 2
```

```python
print("two")
```
"""


@pytest.fixture
def lesson(tmp_path: Path) -> q.PageLesson:
    file = tmp_path / "first.md"
    file.write_text(TEXT)
    return page_lesson(open_lesson(file, running_language)[1], str(file))


def test_the_audience_is_shown_text_and_code(lesson: q.PageLesson, tmp_path: Path) -> None:
    assert lesson.title == "A lesson to look at"
    assert lesson.document == str(tmp_path / "first.md")
    cells = [(part.cell, part.text) for part in lesson.parts if part.cell]
    assert cells == [("lesson 0.0", 'print("one")\n'), ("lesson 1.1", 'print("two")\n')]
    texts = [part.text for part in lesson.parts if not part.cell]
    assert texts[0].startswith("# The first step") and texts[1] == "Text after it."
    assert not any(word in "".join(texts) for word in ("speaker", "```", "secret", "hidden"))


async def test_a_lesson_is_not_too_long(here: Here, lesson: q.PageLesson) -> None:
    async with here.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(here.host.state), start_kernel=False))
        parts = (q.LessonPart("x" * LONGEST_LESSON), q.LessonPart("y"))
        long = q.PageLesson("long", lesson.document, parts)
        with pytest.raises(UsageError, match="up to 1,000,000"):
            await host.call(q.OpenPage(opened.session_id, lesson=long))


def test_lessons_of_all_pages_are_not_too_long_together() -> None:
    addresses = PageAddresses()
    long = q.PageLesson("", "", (q.LessonPart("x" * LONGEST_LESSON),))
    for _ in range(HELD_LESSONS // LONGEST_LESSON):
        addresses.add("session", lesson=long)
    with pytest.raises(Unavailable, match="too long together"):
        addresses.add("session", lesson=long)
    addresses.add("session")
    assert addresses.revoke("session") == HELD_LESSONS // LONGEST_LESSON + 1
    addresses.add("session", lesson=long)


@needs_chromium
@pytest.mark.slow
async def test_runs_stand_in_their_places(lesson: q.PageLesson) -> None:
    async with shown_session(lesson=lesson) as shown:
        tab = shown.tab
        order = "[...document.getElementById('executions').children]"
        kinds = f"{order}.map(n => n.dataset.status || n.className)"
        assert await tab.evaluate(kinds) == ["prose", "unrun", "prose", "prose", "unrun"]
        statuses = await tab.evaluate(f"{order}.map(n => n.querySelector('.status')?.innerText)")
        assert statuses.count("not run yet") == 2
        assert await tab.evaluate("document.title") == "A lesson to look at – codeexec-tui"
        frames = f"{order}.map(n => n.querySelector('iframe')?.src).filter(Boolean)"
        address = (await tab.evaluate(frames))[0]

        async def run(code: str, cell: str, origin: str = "lesson") -> str:
            ref = CellRef(lesson.document, cell) if cell else None
            return (await shown.session.call(q.Execute(code, cell=ref, origin=origin))).execution_id

        await run("secret = 1", "")  # its setup
        await run("hidden = 2", "lesson 1.0")
        second = await run('print("two")', "lesson 1.1")
        await run("print('a first run')", "lesson 0.0")
        beside = await run("print('beside it')", "", "console")
        first = await run('print("one")', "lesson 0.0")
        await tab.until(f"document.getElementById({first!r})?.dataset.status === 'ok'")
        ids = f"{order}.map(n => n.id || n.className)"
        assert await tab.evaluate(ids) == ["prose", first, "prose", "prose", second, beside]
        seen = await tab.evaluate("document.getElementById('main').innerText")
        assert "secret" not in seen and "hidden" not in seen and "a first run" not in seen

        await tab.go(address)
        await tab.until("document.querySelector('h1')?.innerText === 'The first step'")
        assert await tab.evaluate("document.querySelector('em').innerText") == "code"
        assert await tab.evaluate("window.stolen") is None
        assert await tab.evaluate("window.origin") == "null"

"""A lesson on the page: its text, its code, and its runs in their places."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from codeexec.documents.displays.page_pictures import MOST_PICTURE_BYTES
from codeexec.documents.export.to_page import page_document
from codeexec.documents.lessons.files import open_lesson
from codeexec.documents.lessons.to_page import page_lesson
from codeexec.documents.percent.cells import split_cells
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

![A dot](dot.png)

![A drawing](drawing.svg)

![Not there](none.png) ![Elsewhere](../outside.png)

![Elsewhere](../outside.png)

# The second step

```python hidden
hidden = 2
```

```python
print("two")
```
"""

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">'
    "<script>top.stolen = 1</script><rect width='40' height='20'/></svg>"
)


@pytest.fixture
def lesson(tmp_path: Path) -> q.PageLesson:
    file = tmp_path / "first.md"
    file.write_text(TEXT)
    (tmp_path / "dot.png").write_bytes(DOT)
    (tmp_path / "drawing.svg").write_text(SVG)
    (tmp_path.parent / "outside.png").write_bytes(DOT)
    return page_lesson(open_lesson(file, running_language)[1], str(file))


def test_the_audience_is_shown_text_and_code(lesson: q.PageLesson, tmp_path: Path) -> None:
    assert lesson.title == "A lesson to look at"
    assert lesson.document == str(tmp_path / "first.md")
    cells = [(part.cell, part.text) for part in lesson.parts if part.cell]
    assert cells == [("lesson 0.0", 'print("one")\n'), ("lesson 1.1", 'print("two")\n')]
    texts = [part.text for part in lesson.parts if not part.cell]
    assert texts[0].startswith("# The first step") and texts[1].startswith("Text after it.")
    pictures = [part.pictures for part in lesson.parts if part.pictures]
    assert pictures == [{"dot.png": DOT, "drawing.svg": SVG.encode()}]
    assert not any(word in "".join(texts) for word in ("speaker", "```", "secret", "hidden"))


async def test_a_lesson_is_not_too_long(here: Here, lesson: q.PageLesson) -> None:
    async with here.client() as host:
        opened = await host.call(q.OpenSession(cwd=str(here.host.state), start_kernel=False))
        parts = (q.LessonPart("x" * LONGEST_LESSON), q.LessonPart("y"))
        long = q.PageLesson("long", lesson.document, parts)
        with pytest.raises(UsageError, match="up to 1,000,000"):
            await host.call(q.OpenPage(opened.session_id, lesson=long))
        pictures = {"a.png": DOT, "b.png": bytes(MOST_PICTURE_BYTES)}
        heavy = q.PageLesson("heavy", "", (q.LessonPart("x", pictures=pictures),))
        with pytest.raises(UsageError, match="up to 8,000,000 bytes"):
            await host.call(q.OpenPage(opened.session_id, lesson=heavy))


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
        await tab.go(address.replace("part=0", "part=2"))
        pictures = "[...document.querySelectorAll('img[src]')]"
        await tab.until(f"{pictures}.length === 2 && {pictures}.every(i => i.naturalWidth)")
        widths = f"{pictures}.map(i => i.naturalWidth)"
        assert await tab.evaluate(widths) == [1, 40]
        assert "Elsewhere" in await tab.evaluate("document.body.innerText")
        assert await tab.evaluate("window.stolen") is None


SCRIPT = """# %% [markdown]
# # A document
#
# ![A dot](dot.png)
#
# Within a line ![again](./dot.png), and ![attached](attachment:a%20b.png) here.

# %% first
print("one")

# %%
print("two")

# %% third
print("three")
"""


@needs_chromium
@pytest.mark.slow
async def test_cells_of_a_document_stand_in_their_places(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(DOT)
    file = str(tmp_path / "a.py")
    attached = {"a b.png": {"image/png": base64.b64encode(DOT).decode()}}
    document = page_document(
        split_cells(SCRIPT, "#"), file, "a.py", tmp_path, attachments_of=lambda cell: attached
    )
    assert [part.title for part in document.parts] == ["", "first", "", "third"]
    async with shown_session(lesson=document) as shown:
        tab = shown.tab
        order = "[...document.getElementById('executions').children]"
        kinds = f"{order}.map(n => n.dataset.status || n.className)"
        assert await tab.evaluate(kinds) == ["prose", "unrun", "unrun", "unrun"]
        assert "first" in await tab.evaluate(f"{order}[1].innerText")

        async def run(code: str, cell: CellRef | None) -> str:
            return (await shown.session.call(q.Execute(code, cell=cell))).execution_id

        # By its code, as another opening of the script has run it; by its title, as it was edited.
        second = await run('print("two")\n', CellRef(file, "key@opening", 9))
        third = await run("print('another')", CellRef(file, "other@opening", 12, "third"))
        part = await run("print('a part')", CellRef(file, "", 6))
        elsewhere = await run('print("one")', CellRef("/b.py", "key", 1, "first"))
        await tab.until(f"document.getElementById({elsewhere!r})?.dataset.status === 'ok'")
        ids = f"{order}.map(n => n.id || n.dataset.status || n.className)"
        assert await tab.evaluate(ids) == ["prose", "unrun", second, third, part, elsewhere]
        address = await tab.evaluate("document.querySelector('iframe').src")
        await tab.go(address)
        await tab.until(
            "document.images.length === 3 && [...document.images].every(i => i.naturalWidth === 1)"
        )
        assert "Within a line" in await tab.evaluate("document.images[1].parentNode.innerText")

"""A lesson as the page for browsers shows it: its text, and its code in the cells that run it."""

from __future__ import annotations

from pathlib import Path

from codeexec.documents.displays.page_pictures import PagePictures
from codeexec.documents.lessons.model import Lesson, cell_name
from codeexec.domain.requests import LessonPart, PageLesson


def page_lesson(lesson: Lesson, document: str) -> PageLesson:
    """What the audience may see of it: no hidden code, no expectations, no notes. `document` is the
    absolute path of its file, below whose folder its pictures are read."""
    pictures = PagePictures(Path(document).parent)
    parts: list[LessonPart] = []
    for number, step in enumerate(lesson.steps):
        texts = [
            LessonPart(text, pictures=pictures.of(text)) if text.strip() else None
            for text in step.texts
        ]
        codes = [
            None if block.is_hidden else LessonPart(block.code, cell_name(number, at))
            for at, block in enumerate(step.blocks)
        ]
        # A text stands before each block, and one after the last.
        for text, code in zip(texts, [*codes, None], strict=True):
            parts += [part for part in (text, code) if part is not None]
    return PageLesson(lesson.front.title, document, tuple(parts))

"""Attaching: the session's own files, and watching without writing anything."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from codeexec.domain.errors import Denied
from codeexec.tui.options import OpenOptions
from support.bench import Bench, engine_in, open_bench
from support.pane_app import look_at_disk

pytestmark = pytest.mark.slow


def _is_in(bench: Bench, pane: str) -> bool:
    return bench.workbench.pane_layout.here == pane


MORE = "# %%\nx = 1\n"
LESSON = "# %% one\nprint('one')\n\n# %% two\nprint('two')\n"


async def test_a_watcher_follows_the_unsaved_text_and_writes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    host = engine_in(state)
    try:
        async with open_bench(
            tmp_path, {"lesson.py": LESSON, "more.py": MORE}, state=state, host=host
        ) as teacher:
            await teacher.console.run("1")
            await teacher.is_idle(1)
            name = teacher.snapshot.name
            teacher.workbench.documents.front.bring(teacher.workbench.documents.sheets[0])
            await teacher.editor.at("print('two')").bench.write("abc")
            await look_at_disk(teacher.workbench.documents)
            swaps = teacher.program.app_context.swaps
            lesson = str(tmp_path / "work" / "lesson.py")
            assert swaps is not None and swaps.find(lesson) is not None
            teacher.workbench.layout_store.save()

            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            options = OpenOptions(session=name, attach=True, watch=True)
            async with open_bench(
                elsewhere, state=state, host=host, size=(100, 30), options=options
            ) as student:
                await student.sees("watching only · following")
                await student.until(lambda: "abcprint('two')" in student.editor.text, "the text")
                # The cursor may come before the text that it stands in: it is shown again then.
                places = teacher.workbench.documents.shared_view.current().files
                await student.until(
                    lambda: student.workbench.documents.shared_view.current().files == places,
                    "the cursor",
                )
                await student.sees("watching only · following")
                assert student.editor.line == "abcprint('two')"
                assert "has unsaved text" not in student.screen()
                await student.until(lambda: student.workbench.sharing.last, "the view")
                await student.press("alt+1", "end")
                await student.sees("watching only · let go")
                await student.write("STUDENT")
                await student.is_told("This workbench only watches.")
                await student.press("ctrl+s")
                await student.until(lambda: len(student.program._notifications) == 1, "said once")
                for _ in range(3):
                    student.workbench.show_error(Denied("Said often."))
                await student.is_told("Said often.")
                assert [one.message for one in student.told].count("Said often.") == 1
                await student.press("f5", "ctrl+t", "shift+f9")
                assert len(student.workbench.documents.sheets) == 2
                assert "STUDENT" not in student.editor.text
                assert Path(lesson).read_text() == LESSON

                # The console goes along with that of the teacher.
                await student.press("alt+y")
                await student.sees("watching only · following")
                await teacher.console.run("for n in range(200): print('row', n)")
                await teacher.is_idle(2)
                await student.until(lambda: student.workbench.state.last is not None, "a frame")
                place = teacher.workbench.console_pane.view
                card = place.card_list.cards[-1]
                place.viewport.go_to(card, 50)
                await teacher.until(lambda: not place.viewport.follows, "the teacher's scroll")
                teacher.workbench.layout_store.save()
                student_view = student.workbench.console_pane.view
                await student.until(lambda: student_view.place == (card.key, 50), "the same place")
                place.go_to_end()
                await teacher.until(lambda: place.viewport.follows, "the teacher's end")
                teacher.workbench.layout_store.save()
                await student.until(lambda: student_view.viewport.follows, "the end")
                # Where one pane is shown at a time, it is the one that the teacher uses.
                await student.pilot.resize_terminal(80, 24)
                await student.until(lambda: student.workbench.pane_layout.is_compact, "tabs")
                await student.until(partial(_is_in, student, "console"), "the console")
                for key, pane in (("alt+2", "console"), ("alt+1", "editor")):
                    await teacher.press(key)
                    teacher.workbench.layout_store.save()
                    await student.until(partial(_is_in, student, pane), pane)
                await student.sees("F1 keys")
                # What a cell of the teacher does is seen below the text.
                teacher.workbench.documents.front.bring(teacher.workbench.documents.sheets[1])
                await teacher.press("alt+1", "f5")
                await teacher.is_idle(3)
                await student.sees("F2 console")
                teacher.workbench.documents.front.bring(teacher.workbench.documents.sheets[0])
                teacher.workbench.layout_store.save()
                await student.until(lambda: "abc" in student.editor.text, "the first file")
                # A place in text that is not here yet, such as an empty new cell, is none that the
                # user has left.
                view = teacher.workbench.documents.shared_view.current()
                beyond = replace(view, files=tuple(replace(one, line=99) for one in view.files))
                sharing = student.workbench.sharing
                sharing.last = None
                teacher.workbench.sharing._views.save(
                    teacher.workbench.state.session.session_id, beyond
                )
                await sharing.follow()
                student.workbench.state.app_context.key_at = time.monotonic()  # such as Alt+1
                await sharing.follow()
                assert sharing.follows
                await student.pilot.resize_terminal(100, 30)
                await student.press("alt+y")
                await student.sees("watching only · let go")

                teacher.workbench.documents.front.bring(teacher.workbench.documents.sheets[1])
                teacher.workbench.layout_store.save()
                await student.press("alt+y")
                await student.until(lambda: student.editor.text == MORE, "the other file")
                await teacher.editor.at("x = 1").bench.press("f6")
                await teacher.is_idle(4)
                await teacher.until(lambda: teacher.editor.text != MORE, "the new cell")
                await student.until(lambda: student.editor.text == teacher.editor.text, "the cell")
                assert Path(lesson).with_name("more.py").read_text() == MORE
                await teacher.press("ctrl+z")
                await student.until(lambda: student.editor.text == MORE, "no cell")
                await student.press("ctrl+q")
                await student.until(lambda: student.program._exit, "no question at leaving")
            assert swaps.find(lesson) is not None
            assert len(teacher.snapshot.executions) == 4
            teacher.workbench.documents.sheets[0].editor.model.history.mark_saved()
    finally:
        await host.close()


async def test_attach_opens_the_files_of_the_session_with_its_cursors(tmp_path: Path) -> None:
    state = tmp_path / "state"
    host = engine_in(state)
    try:
        async with open_bench(tmp_path, {"a.py": LESSON}, state=state, host=host) as bench:
            await bench.console.run("1")
            await bench.is_idle(1)
            name = bench.snapshot.name
            bench.editor.at("print('two')")
            await bench.press("alt+7")
            await bench.until(lambda: bench.workbench.documents.splitting.is_split, "two halves")
            bench.editor.at("print('one')")
            bench.workbench.leaving.detach()  # Pilot.press waits for widgets that are gone
            await bench.until(lambda: bench.program._exit, "it has left")
        (tmp_path / "work" / "show.py").write_text("other\n")
        options = OpenOptions(files=("show.py",), new=True)
        async with open_bench(tmp_path, state=state, host=host, options=options) as bench:
            await bench.sees("other")
            bench.workbench.leaving.detach()  # Pilot.press waits for widgets that are gone
            await bench.until(lambda: bench.program._exit, "it has left")
        options = OpenOptions(session=name, attach=True)
        async with open_bench(tmp_path, state=state, host=host, options=options) as bench:
            documents = bench.workbench.documents
            await bench.until(lambda: bench.editor.line == "print('one')", "its file")
            assert [sheet.title for sheet in documents.sheets] == ["a.py"]
            await bench.until(lambda: len(documents.stage.shown) == 2, "the halves")
            await bench.press("alt+1", "alt+8")
            await bench.until(lambda: bench.editor.line == "print('two')", "the other half")
            await bench.press("alt+8", "f6")
            await bench.console.card(2).shows("one")
    finally:
        await host.close()

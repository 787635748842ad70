"""What code asks for as the next input (`%load`, `set_next_input`) arrives where it was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import Execute
from support.bench import open_bench

pytestmark = pytest.mark.slow

LOADED = "a = 1\nprint('loaded', a)"


async def test_a_next_input_goes_into_the_prompt_and_into_its_cell(tmp_path: Path) -> None:
    below = "# %%\nget_ipython().set_next_input('b = 2')\n\n# %%\nprint('last')\n"
    async with open_bench(tmp_path) as bench:
        (bench.folder / "load_me.py").write_text(LOADED + "\n")
        (bench.folder / "cells.py").write_text("# %%\n%load load_me.py\n\n" + below)
        prompt = bench.workbench.console_pane.prompt
        await bench.console.run("%load load_me.py")
        await bench.until(lambda: prompt.text == f"# %load load_me.py\n{LOADED}", "the file's text")
        prompt.put("")
        await bench.console.run("get_ipython().set_next_input('other = 3')")
        await bench.until(lambda: prompt.text == "other = 3", "the prompt's text")
        prompt.put("typed")
        session = bench.workbench.state.session
        await session.call(Execute("get_ipython().set_next_input('other = 4')"))
        await bench.is_told("It is not put into the prompt")
        assert prompt.text == "typed"

        sheet = await bench.workbench.documents.opener.open(bench.folder / "cells.py")
        assert sheet is not None
        sheet.editor.action_run_cells("all")
        loaded = f"# %%\n# %load load_me.py\n{LOADED}\n\n"
        offered = (
            "# %%\nget_ipython().set_next_input('b = 2')\n\n# %%\nb = 2\n# %%\nprint('last')\n"
        )
        await bench.until(lambda: sheet.editor.text == loaded + offered, "both cells")
        sheet.editor.model.undo()
        sheet.editor.model.undo()
        assert sheet.editor.text == "# %%\n%load load_me.py\n\n" + below

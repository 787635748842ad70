"""Two Python kernels and a bash kernel on screen: a prompt for each, and what acts on one."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.options import OpenOptions
from support.bench import Bench, engine_in, open_bench
from support.kernelspecs import BASH, install

pytestmark = pytest.mark.slow

FILES = {"steps.sh": "echo from-$0-file\n"}


@pytest.fixture(autouse=True)
def bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    install(tmp_path / "jupyter", "bash", BASH, display_name="Bash")


def label(bench: Bench) -> str:
    return str(bench.workbench.console_pane._label.content)


async def start(bench: Bench, words: str, name: str) -> None:
    """Another kernel, by the palette; it has the focus then."""
    await bench.choose("start another kernel")
    await bench.sees("a kernel, the path of a Python")
    await bench.write(words)
    await bench.until(lambda: words in bench.screen(), "the list of kernels")
    await bench.press("enter")
    await bench.until(lambda: bench.snapshot.default_kernel == name, f"the focus on {name}")
    await bench.until(lambda: bench.snapshot.kernel.state == "idle", f"{name} up")


async def focus(bench: Bench, name: str) -> None:
    bench.workbench.state.session.focus.choose(name)
    await bench.until(lambda: bench.snapshot.default_kernel == name, f"the focus on {name}")


async def test_a_prompt_for_each_kernel_and_what_acts_on_the_one_in_focus(tmp_path: Path) -> None:
    host = engine_in(tmp_path / "state")
    async with host, open_bench(tmp_path, FILES, host=host) as bench:
        await bench.console.run("x = 'one'")
        await bench.is_idle(1)
        await bench.until(lambda: label(bench) == "[2] ", "the next number")
        await start(bench, "bash", "bash")
        await bench.until(lambda: label(bench) == "bash [1] ", "the prompt of bash")
        await bench.sees("bash + python")
        await bench.console.run("echo typed-in-bash")
        await bench.console.card(2).shows("typed-in-bash")
        await bench.until(lambda: label(bench) == "bash [2] ", "the next number")
        # What is typed and not run stays with its prompt.
        prompt = bench.workbench.console_pane.prompt
        prompt.put("echo draft")
        await bench.press("shift+f12")
        await bench.until(lambda: label(bench) == "python [2] ", "the prompt of Python")
        assert prompt.text == ""
        await bench.press("shift+f12")
        await bench.until(lambda: prompt.text == "echo draft", "the draft of bash")
        # A second Python has variables of its own.
        await start(bench, "Python 3", "python-2")
        await bench.console.run("x = 'two'; y = 2")
        await bench.is_idle(3)
        await bench.until(
            lambda: [v.name for v in bench.snapshot.kernel.variables] == ["x", "y"],
            "the variables of the second Python",
        )
        await bench.sees("x      str    'two'")
        await focus(bench, "python")
        await bench.sees_no_more("x      str    'two'")
        await bench.sees("x      str    'one'")
        # The interrupt meets the kernel in focus, the other goes on.
        endless = "import time\nprint('on', flush=True)\nwhile True: time.sleep(0.01)"
        await bench.console.run(endless)
        await bench.console.card(4).shows("on")
        await focus(bench, "python-2")
        await bench.console.run(endless)
        await bench.console.card(5).shows("on")
        await bench.sees("python ▶")
        await bench.press("f9")
        await bench.console.card(5).ends("cancelled")
        await bench.console.card(4).ends("running")
        await focus(bench, "python")
        await bench.press("f9")
        await bench.console.card(4).ends("cancelled")
        # A restart as well: no rule between cards of other kernels.
        await focus(bench, "bash")
        await bench.press("shift+f9")
        await bench.until(lambda: bench.snapshot.kernel.generation == 2, "a fresh bash")
        await bench.until(lambda: label(bench) == "bash [1] ", "a fresh number")
        generations = {n: k.generation for n, k in bench.snapshot.kernels.items()}
        assert generations == {"python": 1, "bash": 2, "python-2": 1}
        # A document runs on the kernel that was chosen for it, whatever has the focus.
        await focus(bench, "python")
        await bench.choose("kernel of this document")
        await bench.sees("The kernel of steps.sh")
        await bench.write("bash · ")
        await bench.press("enter")
        await bench.until(lambda: bench.snapshot.default_kernel == "bash", "bash in focus")
        stored = bench.workbench.sharing.load(bench.workbench.state.session.session_id)
        assert stored is not None, "also if the workbench is killed now"
        assert [file.kernel for file in stored.files] == ["bash"]
        await focus(bench, "python")
        await bench.editor.at("echo from-$0-file").run()
        await bench.console.card(6).ends("ok")
        view = bench.console.card(6).view
        assert view is not None
        assert view.kernel == "bash"
        await bench.console.card(6).shows("-file")
        # Whoever attaches has all kernels, and a focus of their own.
        async with open_bench(tmp_path, host=host, options=OpenOptions(attach=True)) as other:
            await other.until(lambda: len(other.snapshot.kernels) == 3, "the kernels")
            assert other.snapshot.default_kernel == "python"
            await other.console.run("x")
            await other.console.card(7).shows("'one'")
            await other.until(lambda: other.workbench.panes.are_complete, "its panes")
        # And a workbench that comes back runs the document on the kernel that was chosen for it.
        document = str(tmp_path / "work" / "steps.sh")
        async with open_bench(
            tmp_path, FILES, host=host, options=OpenOptions(files=("steps.sh",))
        ) as other:
            await other.until(lambda: len(other.snapshot.kernels) == 3, "the kernels")
            assert other.workbench.state.session.focus.of_document(document) == "bash"
            await other.until(lambda: other.workbench.panes.are_complete, "its panes")
        await focus(bench, "python-2")
        await bench.choose("remove this kernel")
        await bench.sees("Remove python-2?")
        await bench.press("enter")
        await bench.until(lambda: len(bench.snapshot.kernels) == 2, "one kernel fewer")
        await bench.until(lambda: bench.snapshot.default_kernel == "python", "Python in focus")


async def test_input_of_another_kernel_can_be_answered(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        await bench.console.run("name = input('who? ')\nprint('it is', name)")
        await start(bench, "Python 3", "python-2")
        await bench.sees("who?")
        bench.workbench.console_pane.focus_prompt()
        await bench.write("ada")
        await bench.press("enter")
        await bench.console.card(1).shows("it is ada")
        assert bench.snapshot.default_kernel == "python-2"

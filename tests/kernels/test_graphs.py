"""Graphs of graphviz: a picture where `dot` is installed, else their source with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.kernels.base import Displayed, ErrorRaised
from support.kernel_cases import LOCAL_CASES, RUNNER_CASE, KernelCase, talking_to

GRAPH = """
import graphviz, os
os.environ["PATH"] = {path!r}
graph = graphviz.Digraph()
graph.edge("sea", "sky")
graph
"""

DOT = """#!/bin/sh
/bin/cat > {folder}/asked
echo '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
"""
"""A program that draws any graph as an empty picture."""


@pytest.mark.slow
@pytest.mark.parametrize("case", [LOCAL_CASES[0], RUNNER_CASE], ids=["ipykernel", "runner"])
async def test_a_graph_is_drawn_or_its_source_is_shown(case: KernelCase, tmp_path: Path) -> None:
    async with talking_to(case, tmp_path) as partner:
        await partner.run(GRAPH.format(path=str(tmp_path)))
        assert partner.all(ErrorRaised) == []
        (shown,) = partner.all(Displayed)
        source = shown.data["text/vnd.graphviz"]
        assert isinstance(source, str) and "sea -> sky" in source
        sentence, _, rest = str(shown.data["text/plain"]).partition("\n")
        assert "is not installed" in sentence and rest == source

        program = tmp_path / "dot"
        program.write_text(DOT.format(folder=tmp_path))
        program.chmod(0o755)
        await partner.run("graph")
        assert "<svg" in str(partner.all(Displayed)[-1].data["image/svg+xml"])
        assert "sea -> sky" in (tmp_path / "asked").read_text()

"""Charts of Altair and plotly from a container without network, drawn on a terminal here.

plotly runs in the container. Of Altair 6.3 it sends the messages, as they were recorded: two pages
and two charts of its renderer `mimetype`.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import plotly
import pytest
from PIL import Image

from support.containers import ENGINE, IMAGE, give_away, workspace_in
from support.drawn_output import contact_sheet, picture_in, sections_of, share, words_in
from support.programs import Terminal, read_notebook, write_notebook

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PACKAGES = ("plotly", "_plotly_utils", "narwhals", "packaging")
RECORDED = json.loads((Path(__file__).parent / "altair_6_charts.json").read_text())
START = """
import json, socket, sys
sys.path.insert(0, "packages")
from IPython.display import display
import plotly.graph_objects as go
print([name for _, name in socket.if_nameindex()])
"""
RED = {"color": "#ff0000"}
FIGURES = {
    "plotly line": f"go.Scatter(y=[1, 3, 2], line={RED | {'width': 6}})",
    "plotly scatter": f"go.Scatter(y=[1, 3, 2], mode='markers', marker={RED | {'size': 20}})",
    "plotly bar": f"go.Bar(x=['a', 'b'], y=[1, 3], marker={RED})",
    "plotly heatmap": "go.Heatmap(z=[[1, 2], [3, 4]], colorscale=[[0, 'red'], [1, 'red']])",
    "plotly 3-D": "go.Surface(z=[[1, 2], [3, 4]])",
}


def test_charts_are_drawn_without_network(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    (tmp_path / "home").mkdir()
    here = Path(plotly.__file__).parent.parent
    for package in [*map(here.joinpath, PACKAGES), *here.glob("plotly-*.dist-info")]:
        shutil.copytree(package, workspace / "packages" / package.name)
    cells = [START]
    for name, bundle in RECORDED.items():
        cells.append(
            f"print('== {name} ==')\ndisplay(json.loads({json.dumps(bundle)!r}), raw=True)"
        )
    for name, trace in FIGURES.items():
        figure = f"go.Figure({trace}).update_layout(title={name!r})"
        show = f"display({{'application/vnd.plotly.v1+json': {figure}.to_plotly_json()}}, raw=True)"
        cells.append(f"print('== {name} ==')\nimport plotly.io\n{show}")
    (workspace / "charts.ipynb").write_text(write_notebook(*cells))
    (workspace / ".codeexec.toml").write_text("[appearance]\nimages = 'sixel'\n")
    for root, _, files in os.walk(workspace):
        for path in (root, *(f"{root}/{file}" for file in files)):
            give_away(Path(path))
    terminal = Terminal(
        ["run", f"--docker={IMAGE}", "charts.ipynb", "--save", "saved.ipynb"],
        home=tmp_path / "home",
        cwd=workspace,
        columns=100,
        lines=40,
        env={"CODEEXEC_DOCKER_ENGINE": ENGINE},
    )
    with terminal:
        assert terminal.ends() == 0, terminal.text
    sent = terminal.raw.decode()
    assert "['lo']" in sent
    sections = sections_of(sent)
    assert list(sections) == [*RECORDED, *FIGURES]
    shown: list[tuple[str, Image.Image]] = []
    for name, section in sections.items():
        image = picture_in("sixel", section)
        if name == "plotly 3-D":
            assert image is None
            assert "[plotly chart “plotly 3-D”: a browser draws it]" in words_in(section)
            continue
        assert image is not None, name
        assert share(image, (255, 0, 0)) > 0.002, name
        assert f"chart “{name}”]" in words_in(section)
        shown.append((name, image))
    if folder := os.environ.get("OUTPUT_KINDS"):
        contact_sheet(shown).save(Path(folder) / "container.png")
    read_notebook(workspace / "saved.ipynb")

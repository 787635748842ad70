"""plotly's renderer in a program: `fig.show()` sends the chart and opens no browser."""

from __future__ import annotations

import os
from typing import Any

MIME = "application/vnd.plotly.v1+json"
NAME = "codeexec"


def add_renderer(module: Any, channel: Any) -> None:
    """Add a renderer to `plotly.io._renderers`, and make it the default unless the user has chosen
    one."""

    class ChartRenderer(module.ExternalRenderer):  # type: ignore[misc]  # of any version
        """Sends a figure as Jupyter would show it."""

        def render(self, fig_dict: Any) -> None:
            import json

            from plotly.io import to_json  # it imports this module's neighbours

            data = json.loads(to_json(fig_dict, validate=False, remove_uids=False))
            channel.send("display", data={MIME: data}, metadata={})

    module.renderers[NAME] = ChartRenderer()
    if not os.environ.get("PLOTLY_RENDERER"):
        module.renderers.default = NAME

"""Reads the state of a kernel's widgets at the end of a run, for `run --save`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.client.output import read_rows
from codeexec.documents.notebook.widgets import STATE
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.text.parsing import load_json

if TYPE_CHECKING:
    from codeexec.cli.streams.parts import ReadPart
    from codeexec.client.api import SessionClient
    from codeexec.documents.notebook.outputs import Json

ORIGIN = "widgets"
"""Origin of the execution that reads the states."""

MOST_SECONDS = 20.0
MOST_CHARACTERS = 50_000_000
"""Of the states as JSON."""

NOT_SAVED = (
    "The state of the widgets is not saved: it is larger than 50 MB, or the kernel did not tell "
    "it. The notebook has them as text."
)

OPTIONS = ExecuteOptions(
    silent=True,
    store_history=False,
    allow_stdin=False,
    stop_on_error=False,
    timeout=MOST_SECONDS,
)

CODE = f"""\
def _codeexec_widget_states():
    import json, sys
    from IPython.display import display
    ipywidgets = sys.modules.get("ipywidgets")
    states = ipywidgets.Widget.get_manager_state() if ipywidgets else {{"state": {{}}}}
    if len(json.dumps(states, default=str)) <= {MOST_CHARACTERS}:
        display({{{STATE!r}: states}}, raw=True)
_codeexec_widget_states()
del _codeexec_widget_states
"""


async def read_states(session: SessionClient, execution_id: str, read: ReadPart) -> Json | None:
    """The states that the execution of `CODE` has displayed, by model; None if it has none."""
    for run in await read_rows(session, execution_id):
        part = run.display.part(STATE) if run.display else None
        if part is not None:
            value = load_json(await read(part))
            states = value.get("state") if isinstance(value, dict) else None
            return states if isinstance(states, dict) else None
    return None

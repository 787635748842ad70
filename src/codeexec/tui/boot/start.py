"""From the first frame to the running program: the server first, then what can be shown at once.

No event loop yet: that takes as long to load as all that is loaded here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client import spawn
from codeexec.client.tls import import_asyncio
from codeexec.config.paths import find_paths, make_private
from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import CONTAINERS

if TYPE_CHECKING:
    from codeexec.tui.boot.first_frame import FirstFrame
    from codeexec.tui.layout import Box
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.workspace import Workspace


def start(options: OpenOptions, frame: FirstFrame | None) -> str:
    """Find or start the server, load the rest while it starts, and run; what is to be said at
    the end. Raises CodeexecError."""
    if frame is None:
        raise UsageError("The workbench needs a terminal.", "`codeexec-tui run` works without one.")
    from codeexec.tui.session.workspace import workspace_of

    place = workspace_of(options.files, Path.cwd())
    paths = find_paths()
    first: dict[str, object] | None = None
    if not options.attach:
        first = {"cwd": str(place.folder), "kernel": options.kernel, "name": options.session}
        if options.docker is not None:
            first["backend"] = CONTAINERS
    if options.server is None:
        starting = spawn.begin(paths, first)
    else:
        starting = None
        make_private(paths.state)
    console, has_document = _show_panes(options, frame, place, paths.state)
    import_asyncio()
    import asyncio

    from codeexec.tui.boot.launch import launch

    return asyncio.run(launch(options, place, starting, frame, console, has_document))


def _show_panes(
    options: OpenOptions, frame: FirstFrame, place: Workspace, state: Path
) -> tuple[Box, bool]:
    """Show the panes, the prompt and the text of what is opened, long before they are there;
    the place of the console, and whether a document is opened."""
    from codeexec.tui.boot.first_frame import begins_at_prompt
    from codeexec.tui.boot.preview import document_text, front_document, panes_text
    from codeexec.tui.layout import Layouts, boxes, is_compact
    from codeexec.tui.pane_registry import pane_titles, tab_titles

    columns, lines = frame.size
    layout, open_names = Layouts(state / "layouts").load(place.folder)
    at_prompt = begins_at_prompt(options.files) and not options.watch
    path = front_document(place.files, open_names)
    panes = boxes(layout, columns, lines)
    console = panes["console"]
    titles = pane_titles()
    bar = f" {'  '.join(tab_titles())}"[:columns]
    titles |= {"editor": path.name} if path is not None else {}
    if not is_compact(columns, lines):
        frame.show(panes_text(panes, titles))
    else:
        panes = {} if at_prompt else {"editor": panes["editor"]}
        frame.show(panes_text(panes, titles, bar))
    if path is not None and "editor" in panes:
        frame.show(document_text(path, panes["editor"]))
    if at_prompt and console.height > 0:
        frame.begin_prompt(console.left, console.top + console.height - 1, console.width)
    return console, path is not None

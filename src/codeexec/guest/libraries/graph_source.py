"""Shows graphs of graphviz as their source where the program that draws them is not installed.

graphviz asks `dot` for a picture, and without it a cell shows an error and the name of a class.
Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from codeexec_import_hook import ImportHook  # type: ignore[import-not-found]  # see import_hook.py

if TYPE_CHECKING:
    from types import ModuleType

MODULE = "graphviz.jupyter_integration"
MIME = "text/vnd.graphviz"
SENTENCE = (
    "The program dot of Graphviz, which draws this graph, is not installed where the code runs"
    " (apt install graphviz). Its source:"
)


def imported(name: str, module: ModuleType) -> None:
    """Give graphs a form that needs no other program."""
    integration: Any = module
    graph_class = getattr(integration, "JupyterIntegration", None)
    draw = getattr(graph_class, "_repr_mimebundle_", None)
    if graph_class is None or draw is None:
        return  # a version that we do not know

    def shown(graph: Any, include: Any = None, exclude: Any = None, **options: Any) -> Any:
        try:
            return draw(graph, include=include, exclude=exclude, **options)
        except Exception as error:
            if type(error).__name__ != "ExecutableNotFound":
                raise
            source = str(graph.source)
            return {MIME: source, "text/plain": f"{SENTENCE}\n{source}"}

    graph_class._repr_mimebundle_ = shown


def register() -> None:
    if MODULE in sys.modules:
        imported(MODULE, sys.modules[MODULE])
    else:
        ImportHook(lambda name: name == MODULE, imported)


register()

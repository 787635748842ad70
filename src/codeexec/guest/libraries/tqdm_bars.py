"""Lets tqdm draw bars as text in our kernels, where no client draws its widgets.

`tqdm.auto`, `tqdm.autonotebook` and `tqdm.notebook` take any kernel with ipywidgets for a notebook
page. Their modules get the classes of a terminal instead, as they are imported, unless a workbench
runs the code that imports them, which draws widgets. Standard library only.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def draws_widgets() -> bool:
    """Whether the client whose code runs draws widgets, as a workbench does."""
    try:
        from IPython import get_ipython  # type: ignore[attr-defined,unused-ignore]

        metadata = get_ipython().kernel.get_parent("shell")["metadata"]
        return bool(metadata.get("codeexec_widgets")) and find_spec("ipywidgets") is not None
    except Exception:  # whatever kernel that is
        return False


class Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> "ModuleSpec | None":
        if name not in ("tqdm.autonotebook", "tqdm.notebook") or draws_widgets():
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = TextBars()
        return spec


class TextBars(Loader):
    """Fills either module with what tqdm has for terminals."""

    def exec_module(self, module: ModuleType) -> None:
        from tqdm.std import tqdm, trange

        names = {"tqdm": tqdm, "trange": trange}
        if module.__name__ == "tqdm.notebook":

            class tqdm_notebook(tqdm):  # type: ignore[misc]
                """As in a terminal; takes the arguments of the notebook's."""

                def __init__(self, *args: Any, display: bool = True, **options: Any) -> None:
                    super().__init__(*args, **options)

            def tnrange(*args: Any, **options: Any) -> Any:
                return tqdm_notebook(range(*args), **options)

            names = dict.fromkeys(("tqdm", "tqdm_notebook"), tqdm_notebook)
            names.update(dict.fromkeys(("trange", "tnrange"), tnrange))
        vars(module).update(names, __all__=list(names))


sys.meta_path.insert(0, Finder())

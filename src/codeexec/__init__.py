"""codeexec: run code on kernels, and lose nothing.

    async with codeexec.open_session() as session:
        result = await session.run("1 + 1")
        print(result.output)

What is named here is all that programs should rely on; each name is imported when it is
first asked for.
"""

from __future__ import annotations

from importlib import import_module

# Not from `typing`: `python -m codeexec` would import that from the current folder, which may be
# a stranger's, before `__main__` can take the folder off the path.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from codeexec.domain.errors import CodeexecError as CodeexecError
    from codeexec.domain.result import ExecutionArtifact as ExecutionArtifact
    from codeexec.domain.result import ExecutionResult as ExecutionResult
    from codeexec.program import RunningSession as RunningSession
    from codeexec.program import open_session as open_session

__version__ = "0.1.0"

_HOMES = {
    "CodeexecError": "codeexec.domain.errors",
    "ExecutionArtifact": "codeexec.domain.result",
    "ExecutionResult": "codeexec.domain.result",
    "RunningSession": "codeexec.program",
    "open_session": "codeexec.program",
}

__all__ = [
    "CodeexecError",
    "ExecutionArtifact",
    "ExecutionResult",
    "RunningSession",
    "__version__",
    "open_session",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'codeexec' has no attribute {name!r}")
    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

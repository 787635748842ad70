"""Questions to a Python kernel that does not answer comms, such as xeus-python."""

from __future__ import annotations

from codeexec.domain.errors import UsageError
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns

_WRAPPER = """
from IPython import get_ipython
answers = []
try:
    user = get_ipython().user_ns
    exec(compile(CODE, "<question>", "exec"), {"answer": answers.append, "user": user})
    text = "ok" + "".join(answers)
except BaseException as error:
    text = f"{type(error).__name__}: {error}"
with open(PATH, "x", encoding="utf-8") as file:
    file.write(text)
"""


class SilentQuestions:
    """Asks as `LanguageService.ask` does, by silent executions."""

    def __init__(self, helper_runs: HelperRuns) -> None:
        self._runs = helper_runs

    async def ask(self, code: str, deadline: float) -> str:
        """Busy while code runs; UsageError where the code fails."""

        def make_code(path: str) -> str:
            given = {"__name__": "codeexec_helpers", "CODE": code, "PATH": path}
            return f"exec(compile({_WRAPPER!r}, '<question>', 'exec'), {given!r})"

        answer = await self._runs.ask(make_code, deadline)
        if not answer.startswith("ok"):
            raise UsageError(f"The kernel could not answer: {answer}")
        return answer.removeprefix("ok")

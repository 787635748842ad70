"""Answers questions about the kernel's state out of sight; run once inside every ipykernel.

A question is a comm that is opened with code and closed with the answer. Not an execute request:
on a subshell that would take `input` away from the cell that runs meanwhile and show its
half-drawn figures. Opening a comm runs no hooks, counts nothing and shows nothing.
"""

from __future__ import annotations

TARGET = "codeexec"


def answer_question(comm, message):  # type: ignore[no-untyped-def]  # IPython's, untyped
    """Run the code of a question with a namespace of its own and send back what it answers."""
    from IPython import get_ipython

    answers: list[str] = []
    namespace = {"answer": answers.append, "user": get_ipython().user_ns}
    try:
        exec(compile(message["content"]["data"]["code"], "<question>", "exec"), namespace)
        data = {"text": "".join(answers)}
    except BaseException as error:  # whatever it is, the asker waits for words
        data = {"error": f"{type(error).__name__}: {error}"}
    comm.close(data)


def register() -> None:
    """Be there for questions; a kernel without comms has none."""
    from IPython import get_ipython

    manager = getattr(getattr(get_ipython(), "kernel", None), "comm_manager", None)
    if manager is not None:
        manager.register_target(TARGET, answer_question)


register()

"""Answers questions about the kernel's state out of sight; run once inside every ipykernel.

A question is a comm that is opened with code and closed with the answer. Not an execute request:
on a subshell that would take `input` away from the cell that runs meanwhile and show its
half-drawn figures. Opening a comm runs no hooks, counts nothing and shows nothing.
"""

from __future__ import annotations

import threading
from typing import Any

TARGET = "codeexec"


def answer_to(content: dict[str, Any]) -> dict[str, str]:
    """Run the code of a question with a namespace of its own: what it answers."""
    from IPython import get_ipython

    answers: list[str] = []
    namespace = {"answer": answers.append, "user": get_ipython().user_ns}
    try:
        exec(compile(content["data"]["code"], "<question>", "exec"), namespace)
        return {"text": "".join(answers)}
    except BaseException as error:  # whatever it is, the asker waits for words
        return {"error": f"{type(error).__name__}: {error}"}


def answer_question(comm: Any, message: Any) -> None:
    """Answer with ipykernel's own comm, while no cell runs or there are no subshells."""
    comm.close(answer_to(message["content"]))


def answer_beside_cells(kernel: Any) -> None:
    """Answer on a subshell without what ipykernel does around each message: a comm object, and a
    flush of both streams that waits for another thread four times. That is a third of the time
    for which a question holds up a running cell."""
    should_handle = kernel.should_handle
    if getattr(should_handle, "answers_questions", False):
        return  # another client has attached

    def is_to_be_handled(stream: Any, message: Any, idents: Any) -> Any:
        content = message["content"]
        is_question = message["header"]["msg_type"] == "comm_open" and (
            content.get("target_name") == TARGET
        )
        # The main thread has to be interrupted, for which ipykernel prepares later.
        if not is_question or threading.current_thread() is threading.main_thread():
            return should_handle(stream, message, idents)
        closing = {"comm_id": content["comm_id"], "data": answer_to(content)}
        topic = f"comm-{content['comm_id']}".encode()
        kernel.session.send(kernel.iopub_socket, "comm_close", closing, message, topic)
        return False

    is_to_be_handled.answers_questions = True  # type: ignore[attr-defined]
    kernel.should_handle = is_to_be_handled


def register() -> None:
    """Be there for questions; a kernel without comms has none."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    manager = getattr(kernel, "comm_manager", None)
    if manager is not None:
        manager.register_target(TARGET, answer_question)
        if hasattr(kernel, "should_handle"):
            answer_beside_cells(kernel)


register()

"""A program for SSH_ASKPASS: `ssh` runs it where it would ask on a terminal.

It passes the question to the process that has started `ssh`, and prints the answer. Standard
library alone, as it runs without our packages.
"""

from __future__ import annotations

import json
import os
import socket
import sys

SOCKET = "CODEEXEC_ASKPASS"
"""Variable with the path of the socket of the process that answers."""

HINT = "SSH_ASKPASS_PROMPT"
"""Set by `ssh`: `confirm` where the exit code is the answer, `none` where there is nothing to
answer."""


def ask(prompt: str) -> int:
    """The exit code; 1 is no answer, and a refusal."""
    hint = os.environ.get(HINT, "")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ[SOCKET])
        line.sendall(json.dumps({"prompt": prompt, "hint": hint}).encode() + b"\n")
        with line.makefile("rb") as answers:
            answer = answers.readline()
    if not answer:
        return 1
    text = str(json.loads(answer))
    if hint == "confirm":
        return 0 if text == "yes" else 1
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(ask(" ".join(sys.argv[1:])))

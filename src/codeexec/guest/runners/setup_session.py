"""Runner script: make a session of queries, or find it again.

stdin: `{"session_id", "profile", "base_paths"}`. Data of its output: `transcript` (path of the
journal), `python` (version), `resumed` (whether the session was there before), `seq`.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.guest.runners.query_journal import QueryJournal, read_request
else:
    from query_journal import QueryJournal, read_request


def main() -> int:
    request = read_request()
    journal = QueryJournal(request)
    with journal.locked() as is_new:
        if is_new:
            journal.append(
                {
                    "type": "session_opened",
                    "session_id": journal.session_id,
                    "name": (request.get("profile") or {}).get("name") or journal.session_id,
                    "cwd": os.getcwd(),
                    "schema": 2,
                }
            )
        found = {
            "transcript": journal.path,
            "python": platform.python_version(),
            "resumed": not is_new,
            "seq": journal.seq,
        }
    return journal.finish(found)


if __name__ == "__main__":
    sys.exit(main())

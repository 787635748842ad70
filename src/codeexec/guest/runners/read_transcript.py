"""Runner script: the events of a session of queries, and with `follow` those to come.

stdin: `{"session_id", "base_paths", "follow"}`. Without `follow` each event is a line; with it
each line is a `transcript_change` whose payload is a list of events, and the script goes on until
its reader is gone.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codeexec.guest.runners.query_journal import (
        QueryJournal,
        read_records,
        read_request,
        stream_event,
        write_all,
    )
else:
    from query_journal import QueryJournal, read_records, read_request, stream_event, write_all

LOOK_EVERY = 0.25
BATCH = 500
BATCH_SIZE = 1 << 20
"""Events of one line, and bytes of the journal after which there are no more in it."""


def main() -> int:
    request = read_request()
    journal = QueryJournal(request)
    if request.get("follow"):
        follow(journal)
        return 0
    count = 0
    for record, _ in read_records(journal.path, 0):
        write(journal, stream_event(journal.session_id, record))
        count += 1
    return journal.finish({"events": count})


def follow(journal: QueryJournal) -> None:
    """Look at the file's size again and again: it is one file, and works on every file system."""
    reader = select.poll()
    reader.register(journal.stdout, 0)
    place, size, is_first = 0, -1, True
    while not reader.poll(0):
        try:
            now = os.stat(journal.path).st_size
        except FileNotFoundError:
            now = 0
        if now < place:
            place = 0  # another journal of this name
        if now != size or is_first:
            size = now
            events, begin = [], place
            for record, after in read_records(journal.path, place):
                place = after
                events.append(stream_event(journal.session_id, record))
                if len(events) >= BATCH or place - begin >= BATCH_SIZE:
                    write(journal, {"type": "transcript_change", "payload": events})
                    events, is_first, begin = [], False, place
            if events or is_first:
                write(journal, {"type": "transcript_change", "payload": events})
                is_first = False
        time.sleep(LOOK_EVERY)


def write(journal: QueryJournal, value: dict[str, Any]) -> None:
    write_all(journal.stdout, json.dumps(value).encode() + b"\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)

"""What keeping a flood costs: a million lines through document and journal, pages read meanwhile.

    python benchmarks/store.py [--lines 1000000] [--json]

Prints seconds, milliseconds and megabytes; `write` is text in, rows journaled, with the time of
the parts beside it. The memory is what the process grew by between the first and last message.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from codeexec.domain.events import ExecutionQueued, OutputChanged
from codeexec.domain.fold import apply
from codeexec.domain.requests import SearchRows
from codeexec.domain.snapshot import Snapshot
from codeexec.session.output.document import OutputDocument
from codeexec.session.storage.journal import Journal

LINE = "".join(chr(33 + number % 90) for number in range(65)) + "\n"
MESSAGE = 10_600
"""Lines of a message: ipykernel sends about 0.7 MB at once."""


def measure(lines: int, folder: Path) -> dict[str, float]:
    process = psutil.Process()
    journal = Journal.create(folder / "session" / "journal.db")
    document = OutputDocument()
    snapshot = apply(Snapshot(), journal.append([ExecutionQueued("e", "flood")], 0.0))
    text = LINE * MESSAGE
    before = peak = process.memory_info().rss
    parts = {"document": 0.0, "append": 0.0, "fold": 0.0}
    slowest, pages, live = 0.0, [], []
    done = 0
    while done < lines:
        began = time.perf_counter()
        document.write("stdout", text)
        patch = document.take_patch()
        assert patch is not None
        written = time.perf_counter()
        event = OutputChanged("e", patch.start, patch.total, patch.runs)
        records = journal.append([event], time.time())
        appended = time.perf_counter()
        snapshot = apply(snapshot, records)
        folded = time.perf_counter()
        parts["document"] += written - began
        parts["append"] += appended - written
        parts["fold"] += folded - appended
        slowest = max(slowest, folded - began)
        done += MESSAGE
        began = time.perf_counter()
        page = journal.rows("e", (done * 7919) % max(done - 200, 1), 200)
        pages.append(time.perf_counter() - began)
        assert page.total == done
        began = time.perf_counter()
        assert journal.read(journal.last_seq - 1, 100)
        live.append(time.perf_counter() - began)
        peak = max(peak, process.memory_info().rss)
    began = time.perf_counter()
    found = journal.search(SearchRows("no such text", "e"))
    searched = time.perf_counter() - began
    assert not found.matches
    size = journal.size
    journal.close()
    began = time.perf_counter()
    again = Journal.open(folder / "session" / "journal.db")
    replayed, cursor = Snapshot(), 0
    while records := again.read(cursor, 2000):
        replayed = apply(replayed, records)
        cursor = records[-1].seq
    assert replayed == snapshot
    again.close()
    return {
        "lines": done,
        "write s": sum(parts.values()),
        **{f"  {name} s": seconds for name, seconds in parts.items()},
        "slowest message ms": slowest * 1e3,
        "page median ms": statistics.median(pages) * 1e3,
        "page worst ms": max(pages) * 1e3,
        "live read median ms": statistics.median(live) * 1e3,
        "search s": searched,
        "open and replay s": time.perf_counter() - began,
        "memory growth MB": (peak - before) / 2**20,
        "on disk MB": size / 2**20,
        "text MB": done * len(LINE) / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(chosen.lines, Path(folder))
    if chosen.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:22} {value:12,.3f}")


if __name__ == "__main__":
    main()

"""What waits to run is bounded in count and in size."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import Busy
from codeexec.domain.snapshot import ExecutionView
from codeexec.session.kernels.queueing.queue import Queue
from codeexec.session.kernels.queueing.queue_limit import MOST_CODE, MOST_WAITING, QueueLimit


def test_executions_that_wait_are_bounded_in_count() -> None:
    limit = QueueLimit()
    names = tuple(f"e{number}" for number in range(MOST_WAITING - 1))
    views = {name: ExecutionView(name, "1") for name in names}
    limit.require_room([Queue(names[:10]), Queue(names[10:])], views, "1")
    with pytest.raises(Busy, match="10,000 executions wait to run"):
        limit.require_room([Queue((*names, "last"))], views, "1")


def test_code_that_waits_is_bounded_in_size() -> None:
    limit, code = QueueLimit(), "x" * (MOST_CODE // 2)
    views = {name: ExecutionView(name, code) for name in ("a", "b", "c")}
    limit.require_room([Queue()], views, code)
    limit.require_room([Queue(("a",))], views, code)
    with pytest.raises(Busy, match=f"Code of {MOST_CODE:,} characters waits to run"):
        limit.require_room([Queue(("a", "b"))], views, code)
    # What has run makes room.
    limit.require_room([Queue(("b",))], views, code)
    # One alone is taken whatever its size is.
    QueueLimit().require_room([Queue()], views, code * 3)

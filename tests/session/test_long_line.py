"""A line of megabytes is taken as one row, not as one row for each piece of it that has come."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.events import OutputChanged
from codeexec.program import open_session

SIZE = 5_000_000


@pytest.mark.slow
async def test_a_long_line_is_written_a_few_times_at_most(tmp_path: Path) -> None:
    async with open_session(cwd=tmp_path, state=tmp_path / "state") as session:
        written = 0
        async for record in session.stream(f"print('x' * {SIZE})\nprint('end')"):
            if isinstance(record.event, OutputChanged):
                written += sum(len(run.text) for run in record.event.runs)
        assert SIZE < written < 4 * SIZE
        result = await session.run("print('still here')")
        assert result.stdout == ["still here"]

"""Keys of the speaker's view are numbered events; watchers and agents steer nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Denied
from codeexec.domain.events import Recorded
from codeexec.domain.events.steering import LessonSteered
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.steering import MOST_KEYS, SteeringKey
from support.servers import serve_here


def test_keys_are_numbered_and_the_last_ones_are_held() -> None:
    events = [Recorded(n, float(n), LessonSteered("next")) for n in range(1, MOST_KEYS + 3)]
    last = Recorded(len(events) + 1, 9.0, LessonSteered("go", 3, "ada"))
    keys = apply(Snapshot(), [*events, last]).steering_keys
    assert len(keys) == MOST_KEYS
    assert keys[-1] == SteeringKey(MOST_KEYS + 3, "go", 3, "ada")
    assert [key.number for key in keys] == list(range(4, MOST_KEYS + 4))


async def test_who_watches_or_is_an_agent_steers_nothing(tmp_path: Path) -> None:
    async with serve_here(tmp_path) as here:
        async with here.client("speaker") as host, here.client("him", watch_only=True) as watcher:
            opening = q.OpenSession(cwd=str(tmp_path), start_kernel=False)
            session_id = (await host.call(opening)).session_id
            await host.session(session_id).call(q.SteerLesson("go", 2))
            with pytest.raises(Denied, match="only watches"):
                await watcher.session(session_id).call(q.SteerLesson("next"))
            session = here.host.session(session_id)
            with pytest.raises(Denied, match="An agent steers no lesson"):
                await session.call(q.SteerLesson("next"), q.ClientInfo("robot", is_agent=True))
            assert session.snapshot.steering_keys == (SteeringKey(1, "go", 2, "speaker"),)

"""ExecutionEnvironment: the same in every kind of place, by the runner scripts in it."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path, PurePosixPath

import pytest

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import decode_recorded
from codeexec.environments import (
    AgentProfile,
    Architecture,
    BasePaths,
    DockerOptions,
    EnvironmentOptions,
    EnvironmentPrimitive,
    ExecHandle,
    ExecutionEnvironment,
    ExecutionEnvironmentConfig,
    FileEntry,
    ScriptOutput,
    StreamEvent,
    get_environment_primitive,
)
from codeexec.environments.base import TerminalHandle, TerminalSize
from codeexec.environments.execution import factory, scripts
from codeexec.environments.execution.config import CODE
from codeexec.environments.host_files import HostFiles
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.marks import find_marked
from codeexec.environments.watching.folder_watch import MOST_CHANGES
from support.containers import ENGINE, IMAGE, require_engine, until

EVENTS = [{"type": f"step_{n}", "payload": {"n": n}, "context": {"at": n}} for n in range(3)]
SAY = """
read -r request
case "$request" in *'"query": "three"'*) ;; *) echo "unexpected: $request" >&2; exit 9;; esac
"""
DONE = {"type": "script_output", "success": True, "data": {"answer": 42}}


def lines(*values: object) -> str:
    """A script's commands that print each value as a line of JSON; text as it is."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    return "".join(f"printf '%s\\n' '{text}'\n" for text in texts)


def architecture(query: str, setup: str = "", transcript: str = "") -> Architecture:
    """Each argument is a script; stdin has its request."""
    scripts = (setup, query, transcript)
    commands = [("sh", "-c", script, "fake") for script in scripts]
    return Architecture("fake", commands[0], commands[1], commands[2])


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def options(
    request: pytest.FixtureRequest, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> EnvironmentOptions:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "docker":
        require_engine()
    docker = DockerOptions(IMAGE, engine=ENGINE)
    return EnvironmentOptions(workspace, request.param, docker)


async def made(
    options: EnvironmentOptions,
    which: Architecture = CODE,
    profile: AgentProfile = AgentProfile(),  # noqa: B008  # frozen
) -> ExecutionEnvironment:
    config = ExecutionEnvironmentConfig("session-1", which, profile, options)
    return await ExecutionEnvironment.create(config)


async def queried(environment: ExecutionEnvironment, query: str) -> list[StreamEvent]:
    return [event async for event in environment.execute_query(query)]


def ended(events: Sequence[StreamEvent]) -> ScriptOutput:
    output = events[-1]
    assert isinstance(output, ScriptOutput)
    return output


def rows_of(event: StreamEvent) -> tuple[int, int, str]:
    """First row and number of rows of an output_changed, and its text."""
    payload = event.payload
    assert isinstance(payload, dict)
    return payload["start"], payload["total"], "\n".join(run["text"] for run in payload["runs"])


class TestScripts:
    async def test_events_in_order_a_bad_line_skipped_and_exit_1_in_words(
        self, options: EnvironmentOptions, caplog: pytest.LogCaptureFixture
    ) -> None:
        fails = "echo the model is away >&2; exit 1"
        script = SAY + lines(*EVENTS[:2], "no JSON \x1b[31m", EVENTS[2]) + fails
        async with await made(options, architecture(script)) as environment:
            with caplog.at_level(logging.WARNING):
                events = await queried(environment, "three")
        assert events[:-1] == [
            StreamEvent(f"step_{n}", {"n": n}, {"at": n}) for n in range(len(EVENTS))
        ]
        output = ended(events)
        assert (output.success, output.skipped, output.exit_code) == (False, 1, 1)
        assert output.error == (
            "The script execute_query ended with exit code 1: the model is away."
        )
        assert "execute_query is no event" in caplog.text
        assert "\x1b" not in caplog.text

    async def test_events_come_while_the_script_runs(self, options: EnvironmentOptions) -> None:
        goes_on = "while [ ! -e go ]; do sleep 0.05; done\n"
        script = lines(EVENTS[0]) + goes_on + lines(EVENTS[1], DONE)
        async with await made(options, architecture(script)) as environment:
            events = environment.execute_query("three")
            assert (await anext(events)).type == "step_0"
            await environment.primitive.write_file("go", b"")
            rest = [event async for event in events]
        assert [event.type for event in rest] == ["step_1", "script_output"]
        assert ended(rest).data == {"answer": 42}

    async def test_an_error_that_the_script_reports_is_told_as_it_is(
        self, options: EnvironmentOptions
    ) -> None:
        fails = {"type": "script_output", "success": False, "error": "no credit left"}
        script = lines(fails) + "exit 1"
        async with await made(options, architecture(script, setup=script)) as environment:
            assert ended(await queried(environment, "three")).error == "no credit left"
            with pytest.raises(EnvironmentUnavailable, match="no credit left"):
                await environment.prepare_session()

    async def test_words_of_a_script_cannot_act_on_a_terminal(
        self, options: EnvironmentOptions
    ) -> None:
        fails = {"type": "script_output", "success": False, "error": "no\n\x1b]0;title\x07credit"}
        script = f"cat <<'END'\n{json.dumps(fails)}\nEND\n"
        async with await made(options, architecture(script)) as environment:
            assert ended(await queried(environment, "three")).error == "no\n␛]0;title␇credit"

    async def test_what_a_script_leaves_behind_does_not_hold_its_stream(
        self, options: EnvironmentOptions
    ) -> None:
        script = "sleep 100 & " + lines(*EVENTS, DONE)
        async with await made(options, architecture(script)) as environment, asyncio.timeout(90):
            events = await queried(environment, "three")
        assert [event.type for event in events][:3] == ["step_0", "step_1", "step_2"]
        assert ended(events).data == {"answer": 42}

    @pytest.mark.slow
    async def test_a_slow_reader_misses_nothing(
        self, options: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scripts, "LINGER", 0.2)
        script = f"for n in $(seq 3000); do {lines(EVENTS[0])} done; {lines(DONE)}"
        async with await made(options, architecture(script)) as environment:
            events: list[StreamEvent] = []
            async for event in environment.execute_query("three"):
                if len(events) % 1000 == 0:
                    await asyncio.sleep(0.3)
                events.append(event)
        assert len(events) == 3001

    async def test_a_script_that_says_nothing_is_an_error(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options, architecture("exit 0")) as environment:
            output = ended(await queried(environment, "three"))
        assert output.error == "The script execute_query ended without a script_output."

    async def test_a_query_that_is_no_longer_wanted_leaves_no_process(
        self, options: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scripts, "STOP_GRACE", 60.0)
        script = "trap 'echo > interrupted; exit' INT; " + lines(EVENTS[0]) + "sleep 100 & wait"
        async with await made(options, architecture(script)) as environment:
            async with aclosing(environment.execute_query("three")) as events:
                await anext(events)

            async def interrupted() -> bool:
                return await environment.primitive.read_file("interrupted") is not None

            await until(interrupted)


class TestCode:
    """Our own architecture: a query is code, its stream and its transcript are our events."""

    async def test_a_query_streams_the_events_of_a_session(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options) as environment:
            prepared = await environment.prepare_session()
            assert isinstance(prepared, dict)
            assert prepared["resumed"] is False
            query = "import os\nprint('one'); os.system('echo two')\n6 * 7"
            good = await queried(environment, query)
            bad = await queried(environment, "1 / 0")
            transcript = await environment.read_session_transcript()
        assert ended(good).data["result"] == "42"  # type: ignore[index]
        assert ended(bad).error == "ZeroDivisionError: division by zero"
        assert list(transcript[1:]) == good[:-1] + bad[:-1]
        records = [
            decode_recorded(json.dumps({**event.context, "event": event.payload}))
            for event in transcript
        ]
        snapshot = apply(Snapshot(), records)
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        views = list(snapshot.executions.values())
        assert [(view.status, view.code) for view in views] == [("ok", query), ("error", "1 / 0")]
        assert [run.text for run in views[0].tail if run.is_text] == ["one\ntwo"]

    async def test_objects_whose_text_fails_or_is_endless_end_a_query_as_any_other(
        self, options: EnvironmentOptions
    ) -> None:
        failing = "class X(Exception):\n def __repr__(self): 1/0\n __str__ = __repr__\n"
        async with await made(options) as environment:
            shown = ended(await queried(environment, f"{failing}X()"))
            raised = ended(await queried(environment, f"{failing}raise X()"))
            long = ended(await queried(environment, "'x' * 20_000_000"))
        text = "<X: its text cannot be made: ZeroDivisionError>"
        assert shown.data["result"] == text  # type: ignore[index]
        assert raised.error == f"X: {text}"
        assert long.success
        assert long.data["result"].endswith("… (20,000,002 characters)")  # type: ignore[index]

    @pytest.mark.slow
    async def test_lines_that_grow_and_lines_that_are_written_over_stay_small(
        self, options: EnvironmentOptions
    ) -> None:
        dots = (
            "import time\nfor n in range(3000): print('.', end='', flush=True); time.sleep(0.0005)"
        )
        bar = "for n in range(3000): print(f'\\r{n:0100}', end='', flush=True)"
        async with await made(options) as environment:
            grown = await queried(environment, dots)
            written_over = await queried(environment, bar)
        told = [event for event in grown if event.type == "output_changed"]
        seconds = float(str(told[-1].context["at"])) - float(str(told[0].context["at"]))
        assert rows_of(told[-1]) == (0, 1, "." * 3000)
        assert sum(len(rows_of(event)[2]) for event in told) < 100_000 + 250_000 * seconds
        last = [event for event in written_over if event.type == "output_changed"][-1]
        assert rows_of(last) == (0, 1, f"{2999:0100}")

    @pytest.mark.slow
    async def test_a_process_that_the_code_has_forked_holds_nothing(
        self, options: EnvironmentOptions
    ) -> None:
        forks = "import os, time\nif not os.fork():\n os.setsid(); time.sleep(100); os._exit(0)"
        async with await made(options) as environment, asyncio.timeout(90):
            assert ended(await queried(environment, forks)).success
            both = await queried(environment, "import os; os.fork(); print('once each')")
        types = [event.type for event in both]
        assert types.count("execution_finished") == 1
        assert types.count("script_output") == 1

    async def test_files_of_the_profile_are_there(self, options: EnvironmentOptions) -> None:
        profile = AgentProfile(
            "notes",
            files=(FileEntry("sub/notes.txt", b"from the profile"),),
            bundled_tools=(FileEntry("hello.sh", b"echo from a tool"),),
        )
        async with await made(options, profile=profile) as environment:
            await environment.prepare_session()
            query = (
                "import os, subprocess\n"
                "tool = os.environ['BUNDLED_MCP_DIR'] + '/hello.sh'\n"
                "open('sub/notes.txt').read() + subprocess.getoutput('sh ' + tool)"
            )
            output = ended(await queried(environment, query))
            files = await environment.get_workspace_files("**/*.txt")
        assert output.data["result"] == "'from the profilefrom a tool'"  # type: ignore[index]
        assert [str(file.path) for file in files] == ["sub/notes.txt"]

    async def test_a_watched_transcript_grows(self, options: EnvironmentOptions) -> None:
        async with await made(options) as environment:
            await environment.prepare_session()
            async with aclosing(environment.watch_session_transcript_changes()) as changes:
                first = await anext(changes)
                assert [event.type for event in first.events] == ["session_opened"]
                query = asyncio.create_task(queried(environment, "1"))
                types: list[str] = []
                while "execution_finished" not in types:
                    types += [event.type for event in (await anext(changes)).events]
                await query
        assert types[:2] == ["execution_queued", "execution_started"]

    @pytest.mark.slow
    async def test_a_watched_transcript_of_many_megabytes_is_whole(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options) as environment:
            query = "for n in range(3): print('x' * 6_000_000)"
            sent = await queried(environment, query)
            read: list[StreamEvent] = []
            async with aclosing(environment.watch_session_transcript_changes()) as changes:
                while not read or read[-1].type != "execution_finished":
                    read += (await anext(changes)).events
        assert read == sent[:-1]

    async def test_an_interrupted_query_is_recorded_as_cancelled(
        self, options: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(scripts, "STOP_GRACE", 60.0)  # for the end to be written down
        async with await made(options) as environment:
            query = "import time; print('on', flush=True); time.sleep(100)"
            async with aclosing(environment.execute_query(query)) as events:
                async for event in events:
                    if event.type == "output_changed":
                        break
            transcript = await environment.read_session_transcript()
        last = transcript[-1].payload
        assert isinstance(last, dict)
        assert (last["type"], last["status"]) == ("execution_finished", "cancelled")

    async def test_a_query_whose_process_ends_is_recorded_as_lost(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options) as environment:
            output = ended(await queried(environment, "import os; os._exit(3)"))
            assert output.error == "The script execute_query ended with exit code 3."
            events = await queried(environment, "2")
            transcript = await environment.read_session_transcript()
        statuses = [
            event.payload["status"]  # type: ignore[index]
            for event in transcript
            if event.type == "execution_finished"
        ]
        assert statuses == ["lost", "ok"]
        assert ended(events).success


class TestWorkspace:
    @pytest.mark.slow
    async def test_files_that_come_change_and_go_are_told(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options) as environment:
            watch = environment.watch_workspace_files()
            assert await anext(watch) == ()  # it has begun
            told: list[str] = []

            async def is_told(code: str, event: str) -> None:
                query = asyncio.create_task(queried(environment, code))
                while event not in told:
                    told.extend(f"{each.type} {each.path}" for each in await anext(watch))
                assert ended(await query).success

            await is_told("open('x', 'w').close()", "add x")
            await is_told("print('more', file=open('x', 'w'))", "change x")
            await is_told("import os; os.remove('x'); open('y', 'w').close()", "add y")
            assert set(told) == {"add x", "change x", "unlink x", "add y"}
            await watch.aclose()

    @pytest.mark.slow
    async def test_many_changes_at_once_are_one_bounded_batch(
        self, options: EnvironmentOptions
    ) -> None:
        async with await made(options) as environment:
            query = (
                "import os\nos.makedirs('beside/new')\n"
                "for n in range(10_000): open(f'beside/new/{n}', 'w').close()\n"
            )
            assert ended(await queried(environment, query)).success
            watch = environment.watch_workspace_files()
            assert await anext(watch) == ()
            moved = asyncio.create_task(
                queried(environment, "import os; os.rename('beside/new', 'new')")
            )
            batch = await anext(watch)
            await moved
            assert batch[-1].path == PurePosixPath(".")
            assert 100 < len(batch) <= MOST_CHANGES + 1
            await watch.aclose()


class TestLife:
    async def test_it_is_healthy_until_it_is_cleaned_up(self, options: EnvironmentOptions) -> None:
        environment = await made(options)
        assert await environment.is_healthy()
        application = Path(environment.get_base_paths().application)
        await environment.cleanup()
        await environment.cleanup()
        assert not await environment.is_healthy()
        assert not application.exists()

    @pytest.mark.slow
    async def test_cleanup_ends_what_queries_have_left(self, workspace: Path) -> None:
        query = "import subprocess\nsubprocess.Popen(['sleep', '100'], start_new_session=True)"
        environment = await made(EnvironmentOptions(workspace))
        assert ended(await queried(environment, query)).success
        application = str(environment.get_base_paths().application)
        assert find_marked("APP_DIR", application)
        await environment.cleanup()
        assert not find_marked("APP_DIR", application)

    async def test_what_makes_no_sense_is_refused_in_words(self, workspace: Path) -> None:
        for name in ("", "../up", ".hidden", "a/b", "x" * 101):
            with pytest.raises(UsageError, match="no id of a session"):
                ExecutionEnvironmentConfig(name)
        with pytest.raises(UsageError, match="no architecture 'other'"):
            ExecutionEnvironmentConfig("s", "other")
        for options, words in (
            (EnvironmentOptions(workspace, "modal"), "no environment of the type 'modal'"),
            (EnvironmentOptions(), "needs a workspace"),
            (EnvironmentOptions(workspace, "docker"), "needs an image"),
            (EnvironmentOptions(workspace, "docker", DockerOptions("i", "lax")), "no policy 'lax'"),
        ):
            with pytest.raises(UsageError, match=words):
                await get_environment_primitive(options)

    async def test_a_file_of_the_architecture_that_is_not_there_leaves_nothing(
        self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        which = Architecture("fake", files={"x.py": tmp_path / "missing"})
        with pytest.raises(UsageError, match="cannot be read"):
            await made(EnvironmentOptions(workspace), which)
        assert not list(tmp_path.glob("codeexec-app-*"))


class PlainEnvironment(HostFiles):
    """A new kind of place: one class, no business logic."""

    def __init__(self, options: EnvironmentOptions) -> None:
        assert options.workspace is not None
        super().__init__(options.workspace)
        self._local = LocalEnvironment(options.workspace)
        self._code: int | None = None

    @property
    def id(self) -> str:
        return "plain"

    @property
    def base_paths(self) -> BasePaths:
        workspace = self._local.base_paths.workspace
        return BasePaths(workspace, workspace, workspace, workspace / "app")

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: str | PurePosixPath | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle:
        return await self._local.exec(["env", *command], stdin=stdin, cwd=cwd, env=env)

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = TerminalSize(),  # noqa: B008  # frozen
        cwd: str | PurePosixPath | None = None,
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle:
        return await self._local.open_terminal(command, size=size, cwd=cwd, env=env)

    async def is_running(self) -> bool:
        return self._code is None

    def poll(self) -> int | None:
        return self._code

    async def terminate(self) -> None:
        self._code = 0
        await self._local.terminate()


class TestKinds:
    async def test_a_new_kind_is_one_class(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert len(inspect.getsource(PlainEnvironment).splitlines()) <= 60

        async def create(options: EnvironmentOptions) -> EnvironmentPrimitive:
            return PlainEnvironment(options)

        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        monkeypatch.setitem(factory._KINDS, "plain", create)
        async with await made(EnvironmentOptions(workspace, "plain")) as environment:
            await environment.prepare_session()
            assert ended(await queried(environment, "6 * 7")).data["result"] == "42"  # type: ignore[index]
            assert environment.get_id() == "plain"

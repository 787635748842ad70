"""What every environment keeps to, wherever its code runs."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from pathlib import PurePosixPath

import pytest

from codeexec.domain.errors import (
    Conflict,
    Denied,
    EnvironmentUnavailable,
    NotFound,
    StorageError,
    UsageError,
)
from codeexec.environments.base import Change, Environment, FileChange, FileKind, FileWrite, run
from codeexec.environments.budget import Budget
from codeexec.environments.files import entry_of
from support.containers import until


async def shell(environment: Environment, script: str) -> str:
    outcome = await run(environment, ["sh", "-c", script])
    assert outcome.code == 0, outcome.stderr
    return outcome.stdout.decode()


class TestExec:
    async def test_a_command_has_its_output_apart_and_its_code(
        self, environment: Environment
    ) -> None:
        outcome = await run(environment, ["sh", "-c", "echo out; echo err >&2; exit 3"])
        assert (outcome.code, outcome.stdout, outcome.stderr) == (3, b"out\n", b"err\n")

    async def test_it_runs_in_the_workspace_with_the_variables_given(
        self, environment: Environment
    ) -> None:
        await environment.write_file("sub/x", b"")
        workspace = environment.base_paths.workspace
        assert await shell(environment, "pwd") == f"{workspace}\n"
        outcome = await run(
            environment, ["sh", "-c", "pwd; echo $COLOUR"], cwd="sub", env={"COLOUR": "blue"}
        )
        assert outcome.stdout.decode() == f"{workspace}/sub\nblue\n"

    async def test_what_goes_in_comes_out(self, environment: Environment) -> None:
        data = bytes(range(256)) * 12_000  # more than any buffer or window on the way
        assert (await run(environment, ["cat"], stdin=data)).stdout == data

    async def test_output_comes_while_it_runs_and_input_goes_to_it(
        self, environment: Environment
    ) -> None:
        handle = await environment.exec(["sh", "-c", "echo ready; read x; echo got $x"])
        lines = aiter(handle.stdout)
        assert await anext(lines) == b"ready\n"
        assert handle.poll() is None
        await handle.write(b"word\n")
        assert await anext(lines) == b"got word\n"
        assert await handle.wait() == 0

    async def test_closing_stdin_is_seen(self, environment: Environment) -> None:
        handle = await environment.exec(["cat"])
        await handle.close_stdin()
        assert await handle.wait() == 0

    async def test_output_that_nobody_reads_holds_back_nothing_else(
        self, environment: Environment
    ) -> None:
        flood = await environment.exec(["sh", "-c", "yes"])
        assert await shell(environment, "echo fine") == "fine\n"
        assert flood.poll() is None
        await flood.kill()

    async def test_a_signal_reaches_the_whole_group(self, environment: Environment) -> None:
        handle = await environment.exec(["sh", "-c", "sleep 100 & echo up; wait"])
        assert await anext(aiter(handle.stdout)) == b"up\n"
        await handle.signal(signal.SIGTERM)
        assert await handle.wait() == -signal.SIGTERM
        assert [chunk async for chunk in handle.stdout] == []  # the child let go of it too

    async def test_kill_waits_for_the_end_and_can_be_repeated(
        self, environment: Environment
    ) -> None:
        handle = await environment.exec(["sleep", "100"])
        await handle.kill()
        assert handle.poll() == -signal.SIGKILL
        await handle.kill()

    async def test_a_command_that_is_not_there_says_so(self, environment: Environment) -> None:
        with pytest.raises(EnvironmentUnavailable) as caught:
            await environment.exec(["no-such-command"])
        assert "no-such-command" in caught.value.message
        assert caught.value.next_step

    async def test_a_folder_outside_is_denied(self, environment: Environment) -> None:
        with pytest.raises(Denied):
            await environment.exec(["pwd"], cwd="../..")

    async def test_a_cancelled_run_leaves_no_process(self, environment: Environment) -> None:
        task = asyncio.create_task(run(environment, ["sh", "-c", "echo $$ > pid; exec sleep 100"]))

        async def written() -> bool:
            return bool(await environment.read_file("pid"))

        await until(written)
        pid = (await environment.read_file("pid") or b"").decode().strip()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await run(environment, ["sh", "-c", f"kill -0 {pid}"])).code != 0


class TestFiles:
    async def test_what_is_written_is_read(self, environment: Environment) -> None:
        content = bytes(range(256)) * 5000
        await environment.write_file("deep/er/data.bin", content)
        assert await environment.read_file("deep/er/data.bin") == content
        assert await environment.read_file("deep/er/data.bin", limit=10) == content[:10]
        here = environment.base_paths.workspace / "deep/er/data.bin"
        assert await environment.read_file(here) == content

    async def test_code_can_change_what_we_wrote(self, place: Environment) -> None:
        await place.write_file("notes.txt", b"ours\n")
        await shell(place, "echo theirs >> notes.txt")
        assert await place.read_file("notes.txt") == b"ours\ntheirs\n"

    async def test_what_is_not_there_is_none(self, place: Environment) -> None:
        await place.write_file("file", b"")
        assert await place.read_file("nothing") is None
        assert await place.read_file("no/such/folder") is None
        assert await place.read_file("file/below") is None

    async def test_the_mode_is_kept(self, place: Environment) -> None:
        await place.write_file("tool.sh", b"echo one")
        await shell(place, "chmod 755 tool.sh")
        await place.write_file("tool.sh", b"echo two")
        assert await shell(place, "./tool.sh || sh tool.sh") == "two\n"
        assert await shell(place, "test -x tool.sh && echo yes") == "yes\n"

    @pytest.mark.parametrize("path", ["../x", "/etc/hostname", "a/../../x", "a\0b", ""])
    async def test_paths_out_of_the_workspace_are_denied(
        self, environment: Environment, path: str
    ) -> None:
        with pytest.raises(Denied):
            await environment.read_file(path)
        with pytest.raises(Denied):
            await environment.write_file(path, b"")

    async def test_links_are_not_followed(self, environment: Environment) -> None:
        await shell(environment, "ln -s /etc/hostname link; ln -s /etc folder; ln -s . here")
        for path in ("link", "folder/hostname", "here/link"):
            with pytest.raises(Denied) as caught:
                await environment.read_file(path)
            assert "link" in caught.value.message
        with pytest.raises(Denied):
            await environment.write_file("folder/codeexec", b"")
        kinds = {entry.path.name: entry.kind for entry in await environment.list_files()}
        assert kinds == dict.fromkeys(("link", "folder", "here"), FileKind.LINK)

    async def test_a_link_in_the_way_of_a_write_is_replaced(self, environment: Environment) -> None:
        await shell(environment, "echo safe > target; ln -s target link")
        await environment.write_file("link", b"new")
        assert await environment.read_file("target") == b"safe\n"
        assert await environment.read_file("link") == b"new"

    @pytest.mark.timeout(150)
    async def test_a_fifo_is_not_opened(self, environment: Environment) -> None:
        await shell(environment, "mkfifo pipe")
        with pytest.raises(Denied) as caught:
            await environment.read_file("pipe")
        assert caught.value.next_step
        assert [entry.kind for entry in await environment.list_files()] == [FileKind.OTHER]

    async def test_a_file_is_read_in_parts(self, environment: Environment) -> None:
        content = bytes(range(256)) * 2000
        await environment.write_file("data.bin", content)
        file = await environment.open_file("data.bin")
        assert file is not None
        assert file.size == len(content)
        parts = [await file.read(100)]
        while part := await file.read(1 << 16):
            parts.append(part)
        assert (len(parts[0]), b"".join(parts)) == (100, content)
        await file.close()
        await file.close()
        again = await environment.open_file("data.bin")
        assert again is not None
        assert again.version == file.version
        await again.close()
        await environment.write_file("data.bin", content)
        changed = await environment.open_file("data.bin")
        assert changed is not None
        assert changed.version != file.version
        await changed.close()  # though it is not read to its end
        assert await environment.open_file("nothing") is None
        await shell(environment, "ln -s data.bin link; mkfifo pipe; ln -s /etc folder; mkdir sub")
        for path in ("link", "pipe", "folder/hostname", "sub", "", "../x"):
            with pytest.raises(Denied):
                await environment.open_file(path)

    async def test_rows_are_what_entries_are_within_a_budget(self, place: Environment) -> None:
        await place.write_files(FileWrite(f"sub/{n}.txt", b"x" * n) for n in range(30))
        await shell(place, "ln -s /etc/hostname sub/link.txt")
        budget = Budget(20.0, "The list")
        rows = await place.list_rows("sub", "*.txt", budget)
        assert [entry_of(PurePosixPath(row[0]), *row[1:]) for row in rows] == (
            await place.list_files("sub", "*.txt")
        )
        assert await place.list_rows("nothing", "**", budget) == []
        with pytest.raises(Denied):
            await place.list_rows("..", "**", budget)
        with pytest.raises(UsageError, match="longer than 0 s"):
            await place.list_rows("", "**", Budget(0.0, "The list"))

    async def test_changed_files_are_plain_wanted_and_new(self, environment: Environment) -> None:
        def is_csv(name: str) -> bool:
            return name.endswith(".csv")

        await environment.write_files(
            FileWrite(name, b"x") for name in ("old.csv", "b.csv", "a.csv", "a.txt", "sub/c.csv")
        )
        await shell(environment, "touch -d 2001-01-01 old.csv; ln -s b.csv link.csv; mkfifo f.csv")
        since = 1_000_000_000 * 10**9  # in September 2001
        changed = await environment.changed_files(since, is_csv, 10)
        assert [(str(each.path), each.size) for each in changed] == [("a.csv", 1), ("b.csv", 1)]
        assert await environment.changed_files(since, is_csv, 1) == changed[:1]

    async def test_a_folder_is_no_file(self, place: Environment) -> None:
        await place.write_file("folder/x", b"")
        with pytest.raises(Denied):
            await place.read_file("folder")
        with pytest.raises(Denied):
            await place.write_file("folder", b"")
        with pytest.raises((Denied, StorageError)):
            await place.write_file("folder/x/y", b"")

    async def test_a_batch_writes_what_it_can(self, environment: Environment) -> None:
        outcome = await environment.write_files(
            [FileWrite("a", b"1"), FileWrite("../b", b"2"), FileWrite("c/d", b"3")]
        )
        assert outcome.written == (PurePosixPath("a"), PurePosixPath("c/d"))
        assert list(outcome.refused) == ["../b"]
        assert await environment.read_file("c/d") == b"3"

    async def test_listing_by_pattern(self, place: Environment) -> None:
        for name in ("a.py", "b.txt", "sub/c.py", "sub/deep/d.py"):
            await place.write_file(name, b"12345")

        async def names(path: str, pattern: str) -> list[str]:
            return [str(entry.path) for entry in await place.list_files(path, pattern)]

        assert await names("", "*.py") == ["a.py"]
        assert await names("", "**/*.py") == ["a.py", "sub/c.py", "sub/deep/d.py"]
        assert await names("sub", "**") == ["sub/c.py", "sub/deep", "sub/deep/d.py"]
        assert await names("nothing", "**") == []
        entry = (await place.list_files("", "a.py"))[0]
        assert (entry.kind, entry.size) == (FileKind.FILE, 5)

    async def test_changes_are_seen(self, environment: Environment) -> None:
        await environment.write_file("old", b"1")
        await environment.write_file("gone", b"1")
        seen: set[FileChange] = set()

        async def look() -> None:
            async for batch in environment.watch(interval=0.05):
                seen.update(batch)

        watcher = asyncio.create_task(look())
        await environment.write_file("marker", b"")
        wanted = {
            FileChange(Change.MODIFIED, PurePosixPath("old")),
            FileChange(Change.CREATED, PurePosixPath("new")),
            FileChange(Change.REMOVED, PurePosixPath("gone")),
        }
        turn = 0

        async def touched() -> bool:
            # The watcher's first look may come late: what happens before it is no news.
            nonlocal turn
            turn += 1
            await shell(
                environment,
                f"echo {turn} >> old; touch gone; sleep 0.1; rm -f new gone; sleep 0.1; touch new",
            )
            return wanted <= seen

        await until(touched)
        watcher.cancel()


class TestChanges:
    async def test_a_digest_is_that_of_the_content(self, place: Environment) -> None:
        content = bytes(range(256)) * 9000
        await place.write_file("sub/data.bin", content)
        assert await place.file_digest("sub/data.bin") == hashlib.sha256(content).hexdigest()
        await shell(place, "printf new > sub/data.bin")
        assert await place.file_digest("sub/data.bin") == hashlib.sha256(b"new").hexdigest()
        assert await place.file_digest("sub/nothing") is None
        assert await place.file_digest("nothing/below") is None
        for path in ("sub", ""):
            with pytest.raises(Denied):
                await place.file_digest(path)

    async def test_a_folder_is_made_where_there_is_nothing_of_that_name(
        self, place: Environment
    ) -> None:
        await place.make_folder("new/deep er")
        await place.write_file("new/file", b"x")
        assert await shell(place, "ls new; test -d 'new/deep er' && echo folder") == (
            "deep er\nfile\nfolder\n"
        )
        for path in ("new", "new/deep er", "new/file"):
            with pytest.raises(Conflict, match="there already"):
                await place.make_folder(path)

    async def test_a_rename_moves_and_never_replaces(self, place: Environment) -> None:
        await place.write_files([FileWrite("a.py", b"a"), FileWrite("folder/b.py", b"b")])
        await place.rename_entry("a.py", "new/c é.py")
        await place.rename_entry("folder", "other")
        assert await shell(place, "find . -type f | sort") == "./new/c é.py\n./other/b.py\n"
        with pytest.raises(Conflict, match="there already"):
            await place.rename_entry("new/c é.py", "other/b.py")
        with pytest.raises(Conflict):
            await place.rename_entry("new/c é.py", "other")
        with pytest.raises(NotFound):
            await place.rename_entry("nothing", "something")
        assert await place.read_file("other/b.py") == b"b"

    async def test_what_is_removed_is_gone_with_all_in_it(self, place: Environment) -> None:
        await place.write_files([FileWrite("a", b"a"), FileWrite("folder/sub/b", b"b")])
        await place.remove_entry("a")
        await place.remove_entry("folder")
        assert await place.list_files() == []
        for path in ("a", "folder", "folder/sub/b"):
            with pytest.raises(NotFound):
                await place.remove_entry(path)

    async def test_nothing_outside_is_changed(self, place: Environment) -> None:
        await place.write_file("file", b"x")
        for path in ("", ".", "../x", "a/../.."):
            with pytest.raises(Denied):
                await place.remove_entry(path)
            with pytest.raises(Denied):
                await place.make_folder(path)
            with pytest.raises(Denied):
                await place.rename_entry("file", path)
            with pytest.raises(Denied):
                await place.rename_entry(path, "new")
        assert await place.read_file("file") == b"x"

    async def test_a_link_is_changed_itself_and_none_is_followed(
        self, environment: Environment
    ) -> None:
        await shell(environment, "mkdir far; echo kept > far/file; ln -s far link; ln -s far two")
        for change in (
            environment.remove_entry("link/file"),
            environment.make_folder("link/new"),
            environment.rename_entry("link/file", "moved"),
            environment.rename_entry("far/file", "link/moved"),
        ):
            with pytest.raises(Denied):
                await change
        with pytest.raises(Denied):
            await environment.file_digest("link")
        await environment.rename_entry("link", "renamed")
        await environment.remove_entry("two")
        assert await shell(environment, "ls; ls far; readlink renamed") == (
            "far\nrenamed\nfile\nfar\n"
        )


class TestLife:
    async def test_it_runs_until_it_is_ended(self, environment: Environment) -> None:
        assert await environment.is_running()
        assert environment.poll() is None
        handle = await environment.exec(["sleep", "100"])
        await environment.terminate()
        assert environment.poll() is not None
        assert not await environment.is_running()
        await environment.terminate()
        await handle.kill()
        with pytest.raises(EnvironmentUnavailable) as caught:
            await environment.exec(["true"])
        assert caught.value.next_step

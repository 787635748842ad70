"""Pieces of kernels on Jupyter servers that need no server: addresses, frames, gaps, tokens."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from codeexec.domain.errors import ProtocolError, StorageError, UsageError
from codeexec.kernels.backends import RemoteTarget
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.jupyter.line.gaps import UNKNOWN, MessageCounter
from codeexec.kernels.jupyter.messages.codec import encode_header
from codeexec.kernels.jupyter.remote import frames
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.backend import RemoteBackend
from codeexec.kernels.jupyter.remote.failures import full, gateway_start
from codeexec.kernels.jupyter.remote.offered.spec_resources import spec_resources
from codeexec.kernels.jupyter.remote.tokens import keep_token, read_tokens, tokens_file

ID = "5c3dbf21-06f4-4a2e-9d4e-0a2bd1f60a11"


@pytest.mark.parametrize(
    ("pasted", "base", "token", "kernel"),
    [
        ("http://h:8888/lab?token=abc", "http://h:8888/", "abc", ""),
        ("http://h:8888/?token=abc", "http://h:8888/", "abc", ""),
        ("h:8888", "http://h:8888/", "", ""),
        (" https://h/user/me/lab/tree/a.ipynb ", "https://h/user/me/", "", ""),
        ("https://h/user/lab/lab", "https://h/user/lab/", "", ""),
        ("https://h/hub/user/me/named/", "https://h/user/me/named/", "", ""),
        ("http://h:8000/hub/home?token=abc", "http://h:8000/hub/", "abc", ""),
        ("http://h/jhub/hub/token", "http://h/jhub/hub/", "", ""),
        ("http://h/jhub/hub/spawn-pending/me/gpu", "http://h/jhub/user/me/gpu/", "", ""),
        ("http://h/user/me%40x/", "http://h/user/me%40x/", "", ""),
        ("http://h/hub/lab", "http://h/hub/", "", ""),
        ("http://h/gateway/#python3", "http://h/gateway/", "", "python3"),
        (f"http://h:1/api/kernels/{ID}", "http://h:1/", "", ID),
        (f"http://h:1/#{ID}", "http://h:1/", "", ID),
        ("http://[::1]:8888/tree", "http://[::1]:8888/", "", ""),
    ],
)
def test_addresses_as_people_paste_them(pasted: str, base: str, token: str, kernel: str) -> None:
    address = parse_address(pasted)
    assert (address.base, address.token, address.kernel) == (base, token, kernel)
    assert address.kernel_id == (ID if kernel == ID else "")
    assert not token or token not in repr(address) + address.name


def test_addresses_of_a_hub_name_user_and_server() -> None:
    for pasted in ("http://h/user/me/gpu/lab", "http://h/hub/spawn/me/gpu", "http://h/user/me/gpu"):
        address = parse_address(pasted)
        assert (address.hub, address.user, address.server) == ("http://h/hub/", "me", "gpu")
    root = parse_address("http://h/hub/home")
    assert (root.hub, root.user) == ("http://h/hub/", "")
    assert root.of_user("a/b", "x y").base == "http://h/user/a%2Fb/x%20y/"
    assert parse_address("http://h/hub/lab").hub == ""


def test_addresses_of_unix_sockets() -> None:
    for pasted in ("unix:/run/jup.sock?token=t#ir", "http+unix://%2Frun%2Fjup.sock/lab?token=t#ir"):
        address = parse_address(pasted)
        assert (address.socket, address.name) == ("/run/jup.sock", "unix:/run/jup.sock")
        assert (address.token, address.kernel) == ("t", "ir")


@pytest.mark.parametrize("pasted", ["ftp://h/", "http://u:p@h/", "http://h:99999/", "unix:", ""])
def test_addresses_that_are_none(pasted: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_address(pasted)
    assert raised.value.next_step


def test_a_frame_of_v1_as_the_notes_of_its_specification_have_it() -> None:
    header = b"x" * 131
    content = b'{"code":"1+1"}'
    frame = frames.encode_v1("shell", [header, b"{}", b"{}", content])
    assert struct.unpack_from("<7Q", frame) == (6, 56, 61, 192, 194, 196, 210)
    assert frame[56:61] == b"shell"
    assert len(frame) == 210


@pytest.mark.parametrize("number", [0, 7])
def test_messages_in_both_forms(number: int) -> None:
    header = encode_header("stream", "k_1_5", "kernel")
    metadata = b'{"codeexec_outbox":7}' if number else b"{}"
    content = b'{"name":"stdout","text":"a"}'
    parts = [header, b'{"msg_id":"e","msg_type":"execute_request"}', metadata, content]
    for channel, message in (
        frames.decode_v1(frames.encode_v1("iopub", parts)),
        frames.decode_json(frames.encode_json("iopub", parts)),
    ):
        assert (channel, message.type, message.number) == ("iopub", "stream", number)
        assert (message.parent.msg_id, message.session) == ("e", "kernel")
        assert message.content == {"name": "stdout", "text": "a"}


def test_buffers_of_the_old_form() -> None:
    text = frames.encode_json("iopub", [encode_header("comm_msg", "k_1_2", "k"), *[b"{}"] * 3])
    part = text.encode()
    begin = 4 * 4
    offsets = (begin, begin + len(part), begin + len(part) + 2)
    frame = struct.pack(">4I", 3, *offsets) + part + b"\x00\xff" + b"ABC"
    assert frames.decode_json(frame)[1].buffers == (b"\x00\xff", b"ABC")


@pytest.mark.parametrize(
    "frame",
    [b"", b"\x06" + b"\0" * 7, struct.pack("<7Q", 6, 56, 61, 192, 194, 196, 999), b"\xff" * 80],
)
def test_frames_that_are_none(frame: bytes) -> None:
    for decode in (frames.decode_v1, frames.decode_json):
        with pytest.raises(ProtocolError):
            decode(frame)


def test_the_counter_bounds_a_gap_and_proves_that_there_is_none() -> None:
    counter = MessageCounter()
    assert counter.missing_before("k_1_32", "k") is None
    counter.suspect()
    assert counter.missing_before("k_1_33", "k") is None  # whole
    counter.suspect()
    counter.note_reply("k_1_35")
    assert counter.missing_before("k_1_50", "k") == 15  # 34 and 36 to 49
    assert counter.missing_before("k_1_60", "k") is None  # a jump alone proves nothing
    assert counter.is_other_process("n_2_1", "n")
    assert not counter.is_other_process("k_1_61", "k")


def test_each_message_may_have_a_gap_before_it_while_the_server_limits_output() -> None:
    counter = MessageCounter()
    counter.missing_before("k_1_1", "k")
    counter.suspect(until_idle=True)
    assert counter.missing_before("k_1_5", "k") == 3
    assert counter.missing_before("k_1_9", "k", is_idle=True) == 3
    assert counter.missing_before("k_1_20", "k") is None


def test_ids_of_other_kernels_tell_no_number() -> None:
    counter = MessageCounter()
    assert counter.missing_before("0b3c", "r") is None
    counter.suspect()
    assert counter.missing_before("0b3d", "r") == UNKNOWN


def test_tokens_are_kept_private_by_address(tmp_path: Path) -> None:
    file = tokens_file({"XDG_STATE_HOME": str(tmp_path)})
    assert read_tokens(file) == {}
    keep_token("http://h/", "one", file)
    keep_token("http://other/", "two", file)
    assert read_tokens(file) == {"http://h/": "one", "http://other/": "two"}
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises((StorageError, UsageError)):
        read_tokens(file)


def test_a_choice_has_no_token_and_the_next_use_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    backend = RemoteBackend(tuple)
    choice = backend.choose(KernelChoice("/"), "http://h:1/lab?token=secret#python3")
    assert (choice.backend, choice.name) == ("remote", "http://h:1/#python3")
    assert "secret" not in json.dumps(str(choice))
    place = backend.place(choice.name)
    assert (place.access.token, place.kernel) == ("secret", "python3")
    assert "secret" not in repr(place)


def test_a_server_of_the_settings_has_its_own_token() -> None:
    target = RemoteTarget("lab", "https://h/user/me/lab", "secret", "/ca.pem")
    place = RemoteBackend(lambda: [target]).place("lab#ir")
    assert (place.kernel_name, place.access.token) == ("remote:lab#ir", "secret")
    assert (place.access.address.base, place.access.ca_file) == ("https://h/user/me/", "/ca.pem")
    assert "secret" not in repr(place) + repr(target)


@pytest.mark.parametrize("argument", ["gw#spark?KERNEL_CPUS=4", "http://h/#spark?KERNEL_CPUS=4"])
def test_a_kernel_name_holds_variables_for_a_gateway(
    argument: str,
) -> None:
    target = RemoteTarget("gw", "http://h/", kernel_env=(("KERNEL_CPUS", "1"),))
    backend = RemoteBackend(lambda: [target])
    place = backend.place(argument)
    assert (place.kernel, place.access.address.kernel) == ("spark", "spark")
    assert place.named_variables == {"KERNEL_CPUS": "4"}
    again = backend.place(place.kernel_name.removeprefix("remote:"))
    assert (again.kernel, again.named_variables) == ("spark", {"KERNEL_CPUS": "4"})
    with pytest.raises(UsageError, match="begin with KERNEL_"):
        backend.place("gw#spark?PATH=/tmp")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, ""),
        ({"metadata": "none", "env": 3}, ""),
        (
            {
                "metadata": {
                    "process_proxy": {
                        "class_name": "enterprise_gateway.services.processproxies.k8s."
                        "KubernetesProcessProxy",
                        "config": {"image_name": "elyra/kernel-py:3.2.3\x1b[2J"},
                    }
                },
                "env": {"KERNEL_CPUS": "2", "LAUNCH_OPTS": "--x"},
            },
            "runs on Kubernetes, image elyra/kernel-py:3.2.3␛[2J, KERNEL_CPUS=2",
        ),
        ({"metadata": {"process_proxy": {"class_name": "a.b.OwnProxy"}}}, "runs on OwnProxy"),
    ],
)
def test_where_a_gateway_runs_kernels_is_told(spec: dict[str, object], told: str) -> None:
    assert spec_resources(spec) == told


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (403, "User 'ann' is not authorized to start kernel 'Python'. Ensure …", "user"),
        (500, "KernelID: '1' launch timeout due to: Waited too long (40.0s) to get …", "timeout"),
        (504, "Traceback (most recent call last): TimeoutError", "timeout"),
        (500, "Traceback (most recent call last): KeyError", None),
        (401, "", None),
    ],
)
def test_why_a_gateway_starts_no_kernel(status: int, text: str, kind: str | None) -> None:
    failure = gateway_start("http://h/", status, text)
    assert (failure.kind if failure is not None else None) == kind
    if failure is not None:
        assert failure.next_step
        assert "Traceback" not in failure.message


@pytest.mark.parametrize(
    ("status", "text", "is_full"),
    [
        (500, "Unhandled error: Too many open files", True),
        (500, "OSError: [Errno 12] Cannot allocate memory", True),
        (500, "KeyError: 'x'", False),
        (404, "Too many open files", False),
    ],
)
def test_a_server_without_room(status: int, text: str, is_full: bool) -> None:
    failure = full("http://h/", status, text)
    assert (failure is not None) == is_full
    if failure is not None:
        assert "Error" not in failure.message
        assert failure.next_step

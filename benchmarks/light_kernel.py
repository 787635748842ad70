"""A Jupyter kernel that is light: it evaluates an expression, and loads nothing but pyzmq.

    python benchmarks/light_kernel.py --install FOLDER   # writes FOLDER/kernels/light/kernel.json

FOLDER belongs into the JUPYTER_PATH of a server or gateway. With it a benchmark of many kernels
measures the gateway and us rather than the imports of ipykernel. Messages as in the protocol 5.4:
https://jupyter-client.readthedocs.io/en/stable/messaging.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zmq

DELIMITER = b"<IDS|MSG>"
INFO = {
    "status": "ok",
    "protocol_version": "5.4",
    "implementation": "light",
    "implementation_version": "1",
    "banner": "",
    "language_info": {"name": "python", "version": "3", "mimetype": "text/x-python"},
}
LOCAL_PROXY = "enterprise_gateway.services.processproxies.processproxy.LocalProcessProxy"
Message = dict[str, Any]


class LightKernel:
    def __init__(self, connection_file: str) -> None:
        self._connection = json.loads(Path(connection_file).read_text())
        self._key = self._connection["key"].encode()
        self._session = uuid.uuid4().hex
        self._count = 0
        self._context = zmq.Context()
        self._shell = self._bind(zmq.ROUTER, "shell")
        self._control = self._bind(zmq.ROUTER, "control")
        self._stdin = self._bind(zmq.ROUTER, "stdin")
        self._iopub = self._bind(zmq.XPUB, "iopub")
        self._iopub.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._heartbeat = self._bind(zmq.REP, "hb")

    def serve(self) -> None:
        """Answer until a shutdown is asked for."""
        poller = zmq.Poller()
        for socket in (self._shell, self._control, self._iopub, self._heartbeat):
            poller.register(socket, zmq.POLLIN)
        while True:
            try:
                ready = dict(poller.poll())
            except KeyboardInterrupt:
                continue
            if self._heartbeat in ready:
                self._heartbeat.send(self._heartbeat.recv())
            if self._iopub in ready and self._iopub.recv().startswith(b"\x01"):
                self._publish("iopub_welcome", {"subscription": ""}, {})
            for socket in (self._control, self._shell):
                if socket in ready and self._answer(socket):
                    return

    def _answer(self, socket: zmq.Socket[bytes]) -> bool:
        """True when the kernel has to end."""
        frames = socket.recv_multipart()
        split = frames.index(DELIMITER)
        # After the signature: header, parent header, metadata, content.
        header, content = json.loads(frames[split + 2]), json.loads(frames[split + 5])
        kind = header["msg_type"].removesuffix("_request")
        self._publish("status", {"execution_state": "busy"}, header)
        reply: Message = {"status": "ok"}
        match kind:
            case "kernel_info":
                reply = INFO
            case "execute":
                reply = self._execute(content, header)
            case "shutdown":
                reply = {"status": "ok", "restart": content["restart"]}
        self._send(socket, frames[:split], f"{kind}_reply", reply, header)
        self._publish("status", {"execution_state": "idle"}, header)
        is_shutdown: bool = kind == "shutdown"
        return is_shutdown

    def _execute(self, content: Message, header: Message) -> Message:
        self._count += 1
        count = {"execution_count": self._count}
        self._publish("execute_input", {"code": content["code"], **count}, header)
        try:
            value = repr(eval(content["code"], {}))
        except Exception as error:
            failure = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
            self._publish("error", failure, header)
            return {"status": "error", **count, **failure}
        bundle = {"data": {"text/plain": value}, "metadata": {}}
        self._publish("execute_result", {**bundle, **count}, header)
        return {"status": "ok", **count, "user_expressions": {}, "payload": []}

    def _publish(self, kind: str, content: Message, parent: Message) -> None:
        self._send(self._iopub, [kind.encode()], kind, content, parent)

    def _send(
        self,
        socket: zmq.Socket[bytes],
        addresses: list[bytes],
        kind: str,
        content: Message,
        parent: Message,
    ) -> None:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "light",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.4",
        }
        parts = [json.dumps(part).encode() for part in (header, parent, {}, content)]
        signed = hmac.new(self._key, b"".join(parts), hashlib.sha256).hexdigest().encode()
        socket.send_multipart([*addresses, DELIMITER, signed, *parts])

    def _bind(self, kind: int, channel: str) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.linger = 1000
        place, port = self._connection["ip"], self._connection[f"{channel}_port"]
        socket.bind(f"{self._connection['transport']}://{place}:{port}")
        return socket


def install(folder: Path) -> None:
    """Write the kernelspec below `folder`, for this Python."""
    spec = {
        "argv": [sys.executable, str(Path(__file__).resolve()), "{connection_file}"],
        "display_name": "Light",
        "language": "python",
        # For Enterprise Gateway; the others read past it.
        "metadata": {"process_proxy": {"class_name": LOCAL_PROXY}},
    }
    place = folder / "kernels" / "light"
    place.mkdir(parents=True, exist_ok=True)
    (place / "kernel.json").write_text(json.dumps(spec))


if __name__ == "__main__":
    if sys.argv[1] == "--install":
        install(Path(sys.argv[2]))
    else:
        LightKernel(sys.argv[1]).serve()

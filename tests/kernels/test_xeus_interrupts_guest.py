"""SIGINT in xeus-python: it ends code that blocks, also where it came too early for that."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

TOO_EARLY = """
import threading, time
def run_code():
    begun.set()
    time.sleep(100)
def send_to_another_thread():
    # As a signal that comes before the call: Python notes it, and nothing wakes the main thread.
    begun.wait()
    stat = f"/proc/self/task/{threading.main_thread().native_id}/stat"
    while open(stat).read().rpartition(") ")[2][0] != "S":
        time.sleep(0.001)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
begun = threading.Event()
threading.Thread(target=send_to_another_thread, daemon=True).start()
started = time.monotonic()
"""
ONCE = """
try:
    run_code()
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - started < 50)
for _ in range(20):
    time.sleep(0.1)
print("only once")
"""
BESIDE_A_CHILD = """
import os, time
def run_code():
    if os.fork() == 0:
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
        os.write(ready, b"c")
        time.sleep(100)
    os.read(is_ready, 1)
    os.killpg(0, signal.SIGINT)
    time.sleep(100)
is_ready, ready = os.pipe()
started = time.monotonic()
"""


@pytest.mark.parametrize("code", [TOO_EARLY, BESIDE_A_CHILD], ids=["too early", "beside a child"])
def test_a_signal_interrupts_code_once(code: str) -> None:
    guest = (resources.files("codeexec.guest") / "xeus_interrupts.py").read_text()
    answer = subprocess.run(
        [sys.executable, "-c", f"{guest}\n{code}\n{ONCE}"],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        start_new_session=True,
    )
    assert (answer.stdout, answer.stderr) == ("interrupted True\nonly once\n", "")

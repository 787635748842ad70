"""The outbox of a kernel in a container: what a cut line loses is asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.kernels.base import Kernel
from codeexec.kernels.docker.life import ContainerLife
from codeexec.kernels.jupyter.kernel import JupyterKernel
from support.kernel_cases import CONTAINER_CASES, talking_to

pytestmark = pytest.mark.docker

LINES = 1000


def cut(kernel: Kernel) -> None:
    """End every connection between us and the kernel; ZeroMQ makes new ones."""
    assert isinstance(kernel, JupyterKernel)
    assert isinstance(kernel._life, ContainerLife)
    assert kernel._life.kernel is not None
    mux = kernel._life.kernel._mux
    assert mux is not None
    for link in list(mux._links):
        link.cancel()


async def test_every_line_arrives_once_and_in_order_though_the_line_is_cut(tmp_path: Path) -> None:
    async with talking_to(CONTAINER_CASES[0], tmp_path) as partner:
        assert partner.kernel.capabilities.outbox is not None
        execution = partner.submit(
            f"import time\nfor i in range({LINES}):\n print(i, flush=True)\n time.sleep(0.001)"
        )
        for line in (100, 300, 600):
            await partner.printed(f"\n{line}\n")
            cut(partner.kernel)
        end = await partner.end_of(execution)
        assert (end.status, end.count) == ("ok", 1)
        assert partner.text() == "".join(f"{i}\n" for i in range(LINES))
        assert (await partner.run("print('on')")).count == 2

"""`codeexec-tui kernels`: lists kernels, and why one cannot be used."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path

import click
import msgspec

from codeexec.cli import messages as style
from codeexec.cli.options import JUPYTER
from codeexec.domain.errors import UsageError
from codeexec.domain.requests import KernelInfo
from codeexec.domain.wire.codec import mended


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One kernel a line, for programs.")
@JUPYTER
@click.pass_context
def kernels(ctx: click.Context, as_json: bool, server: str) -> None:
    """List kernels: Python environments of this folder and those above, installed kernelspecs."""
    if ctx.invoked_subcommand is None:
        _show(as_json, server)


@kernels.command("list")
@click.option("--json", "as_json", is_flag=True, help="One kernel a line, for programs.")
@JUPYTER
def list_command(as_json: bool, server: str) -> None:
    """List kernels with their paths, and a fix for those that cannot be used. With --server, those
    of a Jupyter server: its kernelspecs, and the kernels that run there."""
    _show(as_json, server)


@kernels.command("stop")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--json", "as_json", is_flag=True, help="One kernel a line, for programs.")
@JUPYTER
def stop_command(ids: tuple[str, ...], as_json: bool, server: str) -> None:
    """End kernels of a Jupyter server, by ids as `kernels list --server` shows them; the first
    characters of an id will do."""
    from codeexec.cli.servers.jupyter import stop_kernels

    if not server:
        raise UsageError("Which server is not said.", "Add --server URL or --server NAME.")
    for kernel_id, status in stop_kernels(server, ids):
        if as_json:
            style.say_json({"ended": kernel_id, "status": status})
        else:
            style.say(f"ended: {kernel_id} (the server answered {status})")


def _show(as_json: bool, server: str = "") -> None:
    from codeexec.kernels.factory import Kernels
    from codeexec.server.start import container_settings, remote_targets
    from codeexec.session.kernels.names import in_catalog_order

    if server:
        from codeexec.cli.servers.jupyter import kernels_of

        kernels: Sequence[KernelInfo] = kernels_of(server)
    else:
        factory = Kernels(containers=container_settings, remotes=remote_targets)
        offers = asyncio.run(factory.offers())
        kernels = in_catalog_order([*factory.list(str(Path.cwd())), *offers])
    if as_json:
        for kernel in kernels:
            style.say_json(msgspec.json.encode(mended(kernel)))
        return
    if not kernels:
        style.say("No kernels. Install one: python -m pip install ipykernel")
        return
    color = style.wants_color(sys.stdout)
    sharing = _sharing(kernels)
    for kernel in kernels:
        _print(kernel, color, sharing)
    for limit, sources in sharing.items():
        style.say(style.paint(f"{', '.join(sources)}: {limit}", "dim", color))


def _sharing(kernels: Sequence[KernelInfo]) -> dict[str, list[str]]:
    """Limits of more than one kernel, each with the sources of these kernels."""
    counts = Counter(limit for kernel in kernels for limit in kernel.limits)
    return {
        limit: list(dict.fromkeys(kernel.source for kernel in kernels if limit in kernel.limits))
        for limit, count in counts.items()
        if count > 1
    }


def _print(kernel: KernelInfo, color: bool, said_below: Container[str]) -> None:
    mark = style.paint("✗", "bad", color) if kernel.problem else style.paint("✓", "good", color)
    default = style.paint("  (default here)", "accent", color) if kernel.is_default else ""
    title = style.paint(kernel.display_name or kernel.name, "strong", color)
    style.say(mark, " ", title, default)
    style.say(style.paint(f"    {kernel.name}  {kernel.language}  {kernel.source}", "dim", color))
    if kernel.path and kernel.path != kernel.name:
        style.say(style.paint(f"    {kernel.path}", "dim", color))
    if kernel.policy and not kernel.problem:
        style.say(style.paint(f"    {kernel.policy}", "dim", color))
    for limit in kernel.limits:
        if limit not in said_below:
            style.say(style.paint(f"    {limit}", "dim", color))
    if kernel.problem or kernel.remark:
        style.say(f"    {kernel.problem or kernel.remark}")
    if kernel.fix:
        style.say("    ", style.paint("→", "accent", color), f" {kernel.fix}")


@kernels.command("install-docker")
@click.option("--image", default="", metavar="IMAGE", help="The image; else that of the settings.")
@click.option(
    "--policy", "--preset", type=click.Choice(["locked", "network", "open"]), help="Its limits."
)
@click.option("--name", default="", metavar="NAME", help="Name of the kernelspec.")
@click.option("--prefix", type=click.Path(path_type=Path), help="Root of an environment.")
@click.option("--json", "as_json", is_flag=True, help="Print its path as JSON.")
def install_docker(
    image: str, policy: str | None, name: str, prefix: Path | None, as_json: bool
) -> None:
    """Install a kernelspec that lets any Jupyter client run code in our container."""
    from codeexec.cli.commands.docker import docker_settings
    from codeexec.environments.docker.policy import parse
    from codeexec.kernels.docker.kernelspec import PROVISIONER, install_docker_kernelspec

    engine, settings_image, settings_policy = docker_settings()
    path = install_docker_kernelspec(
        name or PROVISIONER,
        image=image or settings_image,
        policy=parse(policy or settings_policy),
        engine=engine,
        prefix=prefix,
    )
    if as_json:
        style.say_json({"kernelspec": str(path)})
    else:
        style.say(f"written: {path}")
        style.say(f"Try it: jupyter console --kernel {path.parent.name}")

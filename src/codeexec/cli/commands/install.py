"""`codeexec-tui install HOST`: puts this version on another machine, for `--ssh`."""

from __future__ import annotations

import click

from codeexec import __version__
from codeexec.cli import messages as style


@click.command()
@click.argument("host")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def install(host: str, as_json: bool) -> None:
    """Put this version of codeexec-tui on HOST, which `ssh` reaches.

    It goes into a virtual environment of its own below ~/.local/share/codeexec-tui there, made by
    uv, or else by Python's venv and pip, which fetch its dependencies there. `--ssh HOST` uses it
    before any other. Earlier versions stay for what still runs with them.
    """
    from codeexec.cli.servers.install import install as install_there
    from codeexec.cli.servers.own_wheel import own_wheel
    from codeexec.client.wire import parse_ssh

    address = parse_ssh(host)
    if not as_json:
        style.say(f"Installing codeexec-tui {__version__} on {address.place} …", flush=True)
    installed = install_there(address, own_wheel())
    if as_json:
        style.say_json({"host": address.place, **installed._asdict()})
        return
    style.say(f"{address.place}: {installed.python}, by {installed.tool}")
    style.say(f"{address.place}: {installed.version} in {installed.place}")
    style.say(f"Use it: codeexec-tui --ssh {address.place}")

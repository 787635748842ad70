"""`codeexec-tui run`: the command and its options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeexec.cli.completion_names import complete_kernel
from codeexec.cli.options import (
    COMPILER,
    DOCKER,
    FLAGS,
    JUPYTER,
    NO_CACHE,
    NOT_CONTAINED,
    POLICY,
    PROFILE,
    PULL,
    SSH,
    STANDARD,
    TRANSPORT,
    TRUST,
    DockerCommand,
)
from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import ADDRESSES, CONTAINERS, LOCAL, OVER_SSH, REMOTE

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.cli.script.prepared import Script
    from codeexec.client.wire import Address
    from codeexec.kernels.early import EarlyKernel


def _folder_outside(file: str) -> Path | None:
    """The folder of a file outside the current folder, which a container would not see; None
    for a file inside."""
    from codeexec.cli.script.launch import STDIN

    path = Path(os.path.abspath(Path(file).expanduser()))  # noqa: PTH100 (links stay as named)
    if file == STDIN or path.is_relative_to(Path.cwd()):
        return None
    return path.parent


def _parse_env(pairs: tuple[str, ...]) -> dict[str, str]:
    env: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not name or not sign:
            raise UsageError(f"--env {pair} is no NAME=VALUE.", "Write it as --env NAME=VALUE.")
        env[name] = value
    return env


def _parameters(
    pairs: tuple[tuple[str, str], ...],
    texts: tuple[tuple[str, str], ...],
    file: Path | None,
    yaml: str,
    encoded: str,
) -> dict[str, object]:
    """Parameters of all options, in the order of papermill: later options win."""
    if not (pairs or texts or file or yaml or encoded):
        return {}
    from codeexec.documents import parameters as parameter_files

    values: dict[str, object] = {}
    if encoded:
        values |= parameter_files.decode_parameters(encoded, "--parameters-base64")
    if file is not None:
        values |= parameter_files.read_parameters(file)
    if yaml:
        values |= parameter_files.parse_parameters(yaml, "--parameters-yaml")
    return (
        values | {name: parameter_files.value_of_word(value) for name, value in pairs} | dict(texts)
    )


def _address(ssh: str, others: tuple[object, ...]) -> Address | None:
    """The machine that `--ssh` names. UsageError beside options that choose another place."""
    if not ssh:
        return None
    if any(other not in (None, False, "") for other in others):
        raise UsageError(
            "--ssh names the machine and the folder in which code runs.",
            "Leave out --server, --docker and its options, --cwd, --trust and --save.",
        )
    from codeexec.client.wire import parse_ssh

    return parse_ssh(ssh)


def _record(script: Script, options: RunOptions) -> int:
    from codeexec.cli.run.recorded import run_recorded

    return run_recorded(script, options)


@click.command(
    cls=DockerCommand,
    # Unknown options belong to the program, and so does `-h`.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("file", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--cells", is_flag=True, help="Run a script cell by cell, split at its `# %%` lines.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.ipynb",
    help="Write a notebook with the outputs, also when a cell failed.",
)
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Save images and other displays there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one event per line, for programs.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="End the run after S seconds of running code.",
)
@click.option(
    "--cell-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="End the run if a cell takes longer than S seconds.",
)
@click.option(
    "-p",
    "--parameter",
    "pairs",
    type=(str, str),
    multiple=True,
    metavar="NAME VALUE",
    help="Set a parameter of a notebook, as papermill does; may be repeated.",
)
@click.option(
    "-f",
    "--parameters-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read parameters from a YAML, JSON or TOML file.",
)
@click.option(
    "--parameter-text",
    "texts",
    type=(str, str),
    multiple=True,
    metavar="NAME TEXT",
    help="Set a parameter to text, even if it looks like a number; may be repeated.",
)
@click.option("--parameters-yaml", "yaml", default="", metavar="YAML", help="Parameters as YAML.")
@click.option(
    "--parameters-base64",
    "encoded",
    default="",
    metavar="BASE64",
    help="Parameters as YAML in base64.",
)
@click.option(
    "--kernel",
    default=None,
    metavar="NAME|PATH",
    shell_complete=complete_kernel,
    help="A kernel, or a Python's path.",
)
@JUPYTER
@SSH
@DOCKER
@POLICY
@TRANSPORT
@PULL
@TRUST
@click.option(
    "--cwd",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Working directory. Default: this folder; for a notebook, or a file elsewhere with "
    "--docker, the folder of the file.",
)
@click.option(
    "--env", multiple=True, metavar="K=V", help="Set an environment variable; may be repeated."
)
@click.option("--keep-going", is_flag=True, help="Continue with the next cell after a failed cell.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), help="Colours; auto: on terminals."
)
@PROFILE
@COMPILER
@STANDARD
@FLAGS
@NO_CACHE
@click.pass_obj
def run(
    early: EarlyKernel | None,
    file: str,
    arguments: tuple[str, ...],
    cells: bool,
    save: Path | None,
    artifacts: Path | None,
    as_json: bool,
    timeout: float | None,
    cell_timeout: float | None,
    pairs: tuple[tuple[str, str], ...],
    parameters_file: Path | None,
    texts: tuple[tuple[str, str], ...],
    yaml: str,
    encoded: str,
    kernel: str | None,
    server: str,
    ssh: str,
    docker: str | None,
    policy: str | None,
    transport: str | None,
    pull: bool,
    trust: bool,
    cwd: Path | None,
    env: tuple[str, ...],
    keep_going: bool,
    color: str | None,
    profile: str,
    compiler: str,
    standard: str,
    flags: tuple[str, ...],
    no_cache: bool,
) -> int:
    """Run FILE without a screen: a program, a notebook (.ipynb), or Python from stdin (-).
    In an open session: `codeexec-tui run --session . --help`.

    A program of another language than Python is run by its interpreter, or built and run (C++, C,
    Rust, Go). ARGUMENTS are passed to the program; put `--` before arguments that look like
    options of `run`. Output is printed as it comes; input() reads from the terminal or from a
    pipe. Ctrl+C interrupts the code; a second Ctrl+C within 2 s ends the run.

    A script runs as under `python`, and its exit status is passed through, as that of other
    programs; 1 also if the build failed. The exit status of cells and notebooks is 0 (success), 1
    (the code failed) or 3 (the kernel could not start, or
    died). Others are 2 invalid usage, 124 out of time, 125 codeexec-tui failed, 126 the script
    cannot be executed, 127 it was not found, 130 interrupted.
    """
    from codeexec.cli.run_options import RunOptions
    from codeexec.cli.script.launch import STDIN, run_script, runs_as_program
    from codeexec.config.load import load, project_file, settings_digest
    from codeexec.config.trust import grant
    from codeexec.environments.trust.store import RunTrust, TrustStore

    if server and docker is not None:
        raise UsageError("--server and --docker are two places.", "Leave one of them out.")
    address = _address(ssh, (server, docker, policy, transport, pull, trust, cwd, save))
    is_remote = bool(server) or (kernel or "").startswith((f"{REMOTE}:", *ADDRESSES))
    if is_remote:
        from codeexec.cli.servers.jupyter import kernel_name

        kernel = kernel_name(server, kernel or "") if server else kernel
    is_relayed = (kernel or "").startswith(f"{OVER_SSH}:")
    settings_flags = {
        "kernel.name": kernel,
        "kernel.backend": CONTAINERS
        if docker is not None
        else LOCAL
        if is_remote or is_relayed or address
        else None,
        "docker.image": docker or None,
        "docker.policy": policy,
        "docker.transport": transport,
        "docker.pull": "true" if pull else None,
        "run.color": color,
    }
    if file.startswith("-") and file != STDIN:
        if os.path.lexists(file):
            raise UsageError(f"{file} looks like an option.", f"Name the file so: ./{file}")
        raise UsageError(
            f"There is no option {file}.", "`codeexec-tui run --help` lists all of them."
        )
    if trust:
        grant(cwd or Path.cwd(), None if file == STDIN else Path(file).absolute())
    run_trust = RunTrust("" if file == STDIN else file)
    loaded = load(cwd, settings_flags, trust=run_trust)
    settings = loaded.checked()
    in_docker = settings.kernel.backend == CONTAINERS
    if in_docker and not loaded.withheld and (project := project_file(cwd or Path.cwd())):
        TrustStore().see_settings(str(project), settings_digest(project))
    if (policy or transport) and not in_docker:
        option = f"--policy {policy}" if policy else f"--transport {transport}"
        raise UsageError(f"{option}: {NOT_CONTAINED[0]}", NOT_CONTAINED[1])
    remarks = tuple(f"{setting} If you trust it: --trust" for setting in loaded.withheld)
    if in_docker and cwd is None and (cwd := _folder_outside(file)):
        remarks += (f"The container works in {cwd}, where {Path(file).name} is. Another: --cwd",)
    options = RunOptions(
        file,
        arguments,
        cells=cells,
        save=save,
        artifacts=artifacts,
        as_json=as_json,
        timeout=timeout,
        cell_timeout=cell_timeout,
        parameters=_parameters(pairs, texts, parameters_file, yaml, encoded),
        # What the settings say is a kernel of this machine.
        kernel=(kernel or "") if address else settings.kernel.name,
        server=address,
        cwd=cwd,
        env=_parse_env(env),
        keep_going=keep_going,
        color=settings.run.color,
        progress=settings.run.progress,
        images=settings.appearance.images,
        backend=REMOTE if is_remote else OVER_SSH if is_relayed else settings.kernel.backend,
        image=settings.docker.image if in_docker else "",
        policy=settings.docker.wanted if in_docker else "",
        transport=settings.docker.transport if in_docker else "",
        trust=run_trust,
        remarks=remarks,
        profile=profile,
        compiler=compiler,
        flags=flags,
        standard=standard,
        profiles=settings.programs.profiles,
        no_cache=no_cache,
    )
    if runs_as_program(options):
        status = run_script(options, _record)
        if status is not None:
            return status
    from codeexec.cli.run.entry import run_program

    if address is None:
        return run_program(options, early)
    from codeexec.client.ssh.master import after_questions
    from codeexec.client.ssh.relayed import in_jobs, or_relayed, relayed_kernel
    from codeexec.environments.ssh.command import ssh_command

    def work() -> int:
        return after_questions(address, lambda: run_program(options), ssh_command)

    def relayed(sentence: str) -> int:
        own = relayed_kernel(address, kernel or "")
        remarks = (*options.remarks, sentence)
        relayed_options = options._replace(
            server=None, kernel=own, backend=OVER_SSH, remarks=remarks
        )
        return run_program(relayed_options)

    in_jobs_sentence = in_jobs(address.ssh)
    return relayed(in_jobs_sentence) if in_jobs_sentence else or_relayed(work, relayed)

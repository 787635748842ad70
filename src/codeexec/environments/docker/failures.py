"""What an engine says when it refuses, as what happened and what to do next: pure text to error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codeexec.domain.errors import EnvironmentUnavailable


@dataclass(frozen=True, slots=True)
class Failure:
    """A pattern in what the CLI prints, and the words for it; `{0}` is the first group."""

    pattern: str
    message: str
    next_step: str


NOT_FROZEN = "The container's processes did not stand still."

# The first that fits is taken: from the CLI's own trouble inwards to the container's.
FAILURES = (
    Failure(r"unable to freeze", NOT_FROZEN, "Pause it again."),
    Failure(
        r"permission denied while trying to connect|dial unix \S+ connect: permission denied",
        "You are not allowed to use the engine's socket.",
        "Join its group (sudo usermod -aG docker $USER, then log in again), or use a rootless "
        "engine.",
    ),
    Failure(
        r"context \"?([^\s\"]+)\"?:? (?:not found|does not exist)|context not found.*?\"(.+?)\"",
        "The engine context {0} is not there.",
        "See `docker context ls`, and unset DOCKER_CONTEXT or name another one.",
    ),
    Failure(
        r"Host key verification failed|ssh: (.+)|kex_exchange_identification",
        "The engine's host cannot be reached over ssh.",
        "Check that `ssh HOST docker version` works without a question.",
    ),
    Failure(
        r"x509: (.+)|tls: (.+)|remote error: tls",
        "The engine's TLS certificate is not accepted.",
        "Check DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.",
    ),
    Failure(
        r"(invalid reference format(?:: [^\n\"]+)?)|(invalid tag \"[^\"]*\")|"
        r"failed to parse stage name (\"[^\"]*\")",
        "That is no name of an image: {0}.",
        "Write it as NAME:TAG, in lower case, such as python:3.12-slim.",
    ),
    Failure(
        r"(?:Get|Head) \"?https?://\S+/v2/.*(?:connection refused|dial tcp)|"
        r"pinging container registry|"
        r"lookup (\S+).*(?:no such host|server misbehaving)|net/http: .*[Tt]imeout|"
        r"dial tcp .*(?:i/o timeout|no route)|failed to do request",
        "The image's registry cannot be reached.",
        "Check the network. Without one, build on an image that is here: codeexec-tui docker build "
        "--base IMAGE",
    ),
    Failure(
        r"Cannot connect to the Docker daemon(?: at (\S+?)\.? )?|connection refused|"
        r"[Ii]s the docker daemon running|error during connect|connect to Podman",
        "No engine answers.",
        "Start it (sudo systemctl start docker, or Docker Desktop), or set DOCKER_HOST.",
    ),
    Failure(
        r"No such image: ?(\S+?)[\s.]*(?:$|\n)|(\S+): image not known|"
        r"unable to find image '(\S+?)' locally",
        "The image {0} is not on this engine.",
        "Make ours with `codeexec-tui docker build`, or have it fetched: --pull, or `{engine} "
        "pull {0}`",
    ),
    Failure(
        r"manifest unknown|manifest for (\S+) not found|pull access denied for ([^\s,]+)|"
        r"repository does not exist|requested access to the resource is denied",
        "The registry has no image {0}, or does not let you have it.",
        "Check its name, or `docker login`.",
    ),
    Failure(
        r"no space left on device|[Dd]isk quota exceeded",
        "The engine's disk is full.",
        "Free some: docker system prune",
    ),
    Failure(
        r"bind source path does not exist: (\S+)|source path (\S+) does not exist|"
        r"statfs (\S+): no such file",
        "The folder {0} is not there for the engine.",
        "Make it. An engine elsewhere, or in a VM that does not share it, cannot mount it.",
    ),
    Failure(
        r"mounts denied|is not shared from the host|Mounts denied|error while mounting|"
        r"invalid mount config for type \"bind\": (.+)",
        "The engine refuses to mount the workspace.",
        "Share the folder in the engine's settings (Docker Desktop: File sharing), or use another.",
    ),
    Failure(
        r"Range of CPUs is from .* to ([\d.]+)",
        "The engine's host has only {0} cpus.",
        "Lower the setting `cpus`.",
    ),
    Failure(
        r"[Mm]inimum memory limit allowed is (\S+)|memory limit .*too (?:low|small)",
        "The limit of memory is too low for a container.",
        "Raise the setting `memory`.",
    ),
    Failure(
        r"network (\S+) not found|unable to find network with name or ID (\S+?):",
        "The engine has no network {0}.",
        "See `docker network ls`; use `bridge` or `none`.",
    ),
    Failure(
        r"port is already allocated|address already in use",
        "A port that the kernel needs was taken in between.",
        "Try again.",
    ),
    Failure(
        r"The container name .* is already in use|Conflict\. The container name",
        "A container of that name is there already.",
        "Try again; remove what was left behind with `codeexec-tui docker check`.",
    ),
    Failure(
        r"\"?python3?\"?: executable file not found|exec: \"python3\"|"
        r"executable file .?python3.? not found",
        "The image has no python3.",
        "Use one that has python3 and ipykernel; `codeexec-tui docker build` makes one.",
    ),
    Failure(
        r"crun: cgroups in hybrid mode not supported",
        "Podman's runtime crun does not work with this machine's cgroups (v1 and v2 at once).",
        "Install runc, and name it in ~/.config/containers/containers.conf: [engine] runtime = "
        '"runc"',
    ),
    Failure(
        r"exec format error",
        "The image is made for another kind of processor.",
        "Use one for this machine, or build ours: codeexec-tui docker build",
    ),
    Failure(
        r"chdir to cwd .* permission denied|OCI runtime .*permission denied|"
        r"mkdir (\S+): permission denied",
        "The workspace cannot be entered by the user that the container runs as.",
        "Give its owner the right to every folder on the way to it.",
    ),
    Failure(
        r"read-only file system",
        "The image has no folder to mount the workspace on, and the engine cannot make one.",
        "Use a workspace whose path is not below a read-only folder of the image.",
    ),
    Failure(
        r"unknown flag: (\S+)|unknown shorthand flag|flag provided but not defined",
        "The engine's command line is too old: it does not know {0}.",
        "Update it (Docker 20.10 or Podman 4 and later).",
    ),
)


def _says_why(line: str) -> bool:
    """Not the advice that follows ("See 'docker run --help'"), nor a warning before."""
    return "--help" not in line and not line.startswith(("DEPRECATED", "WARN", "https://", "---"))


def explain(engine: str, code: int, output: str, image: str = "") -> EnvironmentUnavailable:
    """The error for what the CLI `engine` printed when it ended with `code`."""
    for failure in FAILURES:
        match = re.search(failure.pattern, output, re.IGNORECASE)
        if match:
            name = next((group for group in match.groups() if group), image) or "it"
            step = failure.next_step.replace("{engine}", engine).replace("{0}", name)
            return EnvironmentUnavailable(failure.message.replace("{0}", name), step)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = next(filter(_says_why, reversed(lines)), "it said nothing")[:300]
    return EnvironmentUnavailable(
        f"{engine} failed with code {code}: {reason}", "Run `codeexec-tui docker check`."
    )

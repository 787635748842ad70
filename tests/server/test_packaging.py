"""Files that start the service elsewhere: their options and variables are those that it has."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from codeexec.cli.commands.serve import serve
from codeexec.config.env_file import LIMITS, parse_env
from codeexec.config.keys import keys
from codeexec.server.access.user_limits import user_limits
from codeexec.server.logs.options import log_options
from codeexec.server.service_settings import service_settings

ROOT = Path(__file__).parents[2]
FILES = ROOT / "packaging"


class UnitFile(configparser.ConfigParser):
    """Names in it are not written in lower case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def options_of(command: list[str]) -> dict[str, Any]:
    """The values that `serve` reads from a command line. Fails for one that it does not have."""
    assert Path(command[0]).name == "codeexec-tui"
    assert command[1] == "serve"
    with serve.make_context("serve", command[2:]) as context:
        return dict(context.params)


def test_the_container_starts_the_service() -> None:
    text = (FILES / "Containerfile").read_text()
    commands = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    options = options_of(json.loads(commands[-1]))
    assert options["bind"] == "0.0.0.0:8000"
    assert options["behind_proxy"]
    assert options["log_format"] == "json"
    assert str(options["token_file"]) == "/data/token"
    for source in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


def test_the_unit_starts_the_service() -> None:
    unit = UnitFile(interpolation=None)
    unit.read(FILES / "codeexec-tui.service")
    options = options_of(shlex.split(unit["Service"]["ExecStart"]))
    assert options["bind"].startswith("127.0.0.1:")
    assert unit["Service"]["KillMode"] == "process"


def test_the_compose_file_publishes_a_loopback_address_alone() -> None:
    compose = yaml.safe_load((FILES / "compose.yaml").read_text())
    service = compose["services"]["service"]
    assert (FILES / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert (FILES / f"{service['env_file']}.example").is_file()
    assert [volume.partition(":")[0] for volume in service["volumes"]] == list(compose["volumes"])


@pytest.mark.parametrize(
    "file", ["packaging/service.env.example", "docs/classroom.md", "docs/service.md"]
)
def test_variables_are_those_of_the_service(file: str) -> None:
    text = (ROOT / file).read_text()
    pattern = r"\b(?:USER_MAX|TERMINAL|PYTHON_MAX|CPP_BUILD|BINARY_MAX|SESSION_MAX)_[A-Z_]+"
    named = set(re.findall(pattern, text))
    settings = set(re.findall(r"\bCODEEXEC_[A-Z_]+[A-Z]\b", text))
    others = {"CODEEXEC_TOKEN", *LIMITS}
    assert named <= set(LIMITS)
    assert settings <= {key.variable for key in keys()} | others


def test_the_example_of_variables_can_be_read() -> None:
    variables = parse_env((FILES / "service.env.example").read_text())
    assert service_settings(variables) == service_settings({})
    assert user_limits(variables) != user_limits({})
    assert log_options(None, None, variables).level == "INFO"

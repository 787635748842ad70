"""Values that code gets from other kernels: written for each language, and read back by it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.values import Get, check_json, take_gets, with_values

ATTACKS = [
    "plain",
    "'\"`\\",
    "a'; touch hacked; echo '",
    '"); system("touch hacked"); ("',
    "$(touch hacked) ${PATH} `touch hacked`",
    "line\nline\r\n\ttab\x7f\x1b[31m",
    "</script><!-- ]]> */ //",
    "!! !$ %s %d %get ??/ ??= \\u0041 \\x41 \\",
    "ünïcödé 日本 😀 \u2028\u2029",
    "",
    " -n",
]
VALUES: dict[str, Any] = {
    "text": "x",
    "number": 42,
    "real": 1.5,
    "small": 1e-300,
    "yes": True,
    "attacks": ATTACKS,
    "numbers": [1, 2, 3],
    "pairs": {text or "empty": text for text in ATTACKS},
}
NESTED: dict[str, Any] = {
    "deep": {"a": [1, {"b": None}], "c": []},
    "nothing": None,
    "mixed": [1, "a"],
}


@pytest.mark.parametrize(
    ("code", "gets", "rest"),
    [
        ("%get x from python\nx", [Get(("x",), "python")], "\nx"),
        ("\n%get a, b c from r\n%get d --from bash\n\ny", 2, "\n\n\n\ny"),
        ("x\n%get y from python", [], "x\n%get y from python"),
        ("%getter", [], "%getter"),
    ],
)
def test_lines_that_get_values(code: str, gets: Any, rest: str) -> None:
    found, left = take_gets(code)
    assert left == rest
    assert found == gets or found == [Get(("a", "b", "c"), "r"), Get(("d",), "bash")]


@pytest.mark.parametrize(
    "line", ["%get", "%get x", "%get from python", "%get x; rm from python", "%get x.y from python"]
)
def test_a_line_that_gets_nothing_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="gets no value"):
        take_gets(line)


def ran(command: list[str], code: str, folder: Path) -> Any:
    done = subprocess.run(command, input=code, text=True, capture_output=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not (folder / "hacked").exists()
    return json.loads(done.stdout)


def test_python(tmp_path: Path) -> None:
    values = {**VALUES, **NESTED, "half": "\ud800", "nul": "a\0b", "big": 10**30}
    code = with_values("python", "", values).code
    names = ", ".join(f"{name!r}: {name}" for name in values)
    printing = f"{code}\nimport json; print(json.dumps({{{names}}}))"
    assert ran([sys.executable, "-"], printing, tmp_path) == values
    assert "\n" not in code


def test_javascript(tmp_path: Path) -> None:
    values = {**VALUES, **NESTED, "nul": "a\0b", "proto": {"__proto__": {"x": 1}}}
    code = with_values("javascript", "", values).code
    printing = f"{code}\nconsole.log(JSON.stringify({{{', '.join(values)}}}))"
    node = shutil.which("node")
    assert node is not None
    assert ran([node, "-"], printing, tmp_path) == values
    with pytest.raises(UsageError, match="cannot have exactly"):
        with_values("javascript", "", {"x": [2**53 + 1]})


@pytest.mark.slow
def test_r(tmp_path: Path) -> None:
    values = {**VALUES, **NESTED, "long": "\n'é\x07" * 5_000, "ascii": '\n"\x1b' * 20_000}
    del values["nothing"]
    code = with_values("r", "", values).code
    names = ", ".join(f"{name} = {name}" for name in values)
    shown = f"jsonlite::toJSON(list({names}), auto_unbox = TRUE, null = 'null', digits = NA)"
    (tmp_path / "a.R").write_text(f"{code}\ncat({shown})")
    # As a kernel parses it; Rscript itself reads lines of 4,095 bytes.
    assert ran(["Rscript", "-e", "source('a.R')"], "", tmp_path) == values
    for wrong in ("a\0b", "\ud800", 2**53 + 1):
        with pytest.raises(UsageError):
            with_values("r", "", {"x": wrong})


def test_bash(tmp_path: Path) -> None:
    values = {name: value for name, value in VALUES.items() if name not in ("real", "small")}
    code = with_values("bash", "", {**values, "nothing": None}).code
    show = f"{sys.executable} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "
    words = '"$text" "$number" "$yes" "$nothing" "${numbers[@]}" "${attacks[@]}"'
    printed = ran(["bash", "-i"], f"PS1=; {code}\n{show} {words}; exit", tmp_path)
    assert printed == ["x", "42", "true", "", "1", "2", "3", *ATTACKS]
    looped = 'for key in "${!pairs[@]}"; do printf "%s\\0%s\\0" "$key" "${pairs[$key]}"; done'
    done = subprocess.run(["bash", "-c", f"{code}\n{looped}"], capture_output=True, check=True)
    parts = done.stdout.decode().split("\0")[:-1]
    assert dict(zip(parts[::2], parts[1::2], strict=True)) == VALUES["pairs"]
    for wrong in ("a\0b", {"": 1}, [[1]], "\ud800"):
        with pytest.raises(UsageError):
            with_values("bash", "", {"x": wrong})


@pytest.mark.slow
def test_cpp(tmp_path: Path) -> None:
    values = {**VALUES, "least": -(2**63), "floats": [1, 2.5], "grid": [[1], [2]], "nul": "a\0b"}
    made = with_values("cpp", "", values)
    checks = [f"attacks.size() == {len(ATTACKS)}", "least < -9e18", "floats[1] == 2.5", "yes"]
    checks += ["grid[1][0] == 2", "nul.size() == 3", "number == 42", 'pairs.at("plain") == "plain"']
    lines = "\n".join(f"if (!({check})) return {at + 1};" for at, check in enumerate(checks))
    printing = (
        "for (auto& text : attacks) { fwrite(text.data(), 1, text.size(), stdout); putchar(0); }"
    )
    program = f"#include <cstdio>\n{made.preamble}int main() {{\n{lines}\n{printing}\n}}"
    (tmp_path / "a.cpp").write_text(program)
    subprocess.run(["g++", "-std=c++14", "a.cpp", "-o", "a"], cwd=tmp_path, check=True)
    done = subprocess.run(["./a"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == ATTACKS
    for wrong in (None, [], [1, "a"], 2**63, "\ud800", {"a": None}):
        with pytest.raises(UsageError):
            with_values("cpp", "", {"x": wrong})


def test_other_languages_take_none() -> None:
    with pytest.raises(UsageError, match="Code of rust gets no values"):
        with_values("rust", "", {"x": 1})


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "", "[" * 100_000])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(UsageError, match="x cannot be passed on as JSON"):
        check_json("x", text)

"""Values of a kernel's variables as JSON, for code of other kernels; read by helper code."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from codeexec.domain.errors import ProtocolError, UsageError
from codeexec.kernels.jupyter.known import bash
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns
from codeexec.kernels.jupyter.messages.python_variables import Ask

MOST = 1_000_000
"""Characters of a value as JSON. The helper code refuses longer ones."""

_PYTHON = """
import json, math
def plain(value, depth=0):
    if depth > 100:
        raise ValueError("it is nested deeper than 100 levels")
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"JSON has no number {value}")
        return float(value)
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("it has keys that are no text")
        return {key: plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part, depth + 1) for part in value]
    if type(value).__name__ == "DataFrame" and hasattr(value, "to_dict"):
        return plain(value.to_dict(orient="list"), depth + 1)
    if hasattr(value, "tolist"):
        return plain(value.tolist(), depth + 1)
    raise TypeError(f"JSON has no {type(value).__name__}")
found = {}
for name in NAMES:
    try:
        if name not in user:
            raise NameError("there is no such variable")
        text = json.dumps(plain(user[name]))
        if len(text) > MOST:
            raise ValueError(f"as JSON it has {len(text):,} characters, more than {MOST:,}")
        found[name] = [text, ""]
    except Exception as error:
        found[name] = ["", str(error)]
answer(json.dumps(found))
"""
_R = """
local({
  one <- function(name) {
    if (!exists(name, envir = globalenv(), inherits = FALSE)) stop("there is no such variable")
    if (bindingIsActive(name, globalenv())) stop("it is an active binding")
    value <- get(name, envir = globalenv(), inherits = FALSE)
    if (is.function(value) || is.environment(value)) stop(paste("JSON has no", class(value)[1]))
    text <- as.character(jsonlite::toJSON(
      value, auto_unbox = TRUE, digits = NA, na = "null", null = "null", dataframe = "columns"
    ))
    if (nchar(text) > MOST) stop(paste("as JSON it has more characters than", MOST))
    list(text, "")
  }
  names <- NAMES
  found <- lapply(names, function(name) tryCatch(
    one(name), error = function(problem) list("", conditionMessage(problem))
  ))
  text <- jsonlite::toJSON(structure(found, names = names), auto_unbox = TRUE)
  writeLines(enc2utf8(as.character(text)), PATH, useBytes = TRUE)
})
"""
_JAVASCRIPT = """
void ((readers) => {
  const found = {};
  for (const [name, read] of readers) {
    try {
      const value = read();
      const text = JSON.stringify(value, function (key, part) {
        const own = key === "" ? part : this[key];
        const isNumber = typeof own === "number";
        if (isNumber && !Number.isFinite(own)) throw Error(`JSON has no number ${own}`);
        if (["undefined", "function", "symbol", "bigint"].includes(typeof own)) {
          throw Error(`JSON has no ${typeof own}`);
        }
        for (const kind of [Map, Set]) {
          if (own instanceof kind) throw Error(`JSON has no ${kind.name}`);
        }
        return part;
      });
      if (text.length > MOST) throw Error(`as JSON it has more characters than MOST`);
      found[name] = [text, ""];
    } catch (error) {
      const isUnknown = error instanceof ReferenceError;
      found[name] = ["", isUnknown ? "there is no such variable" : String(error.message)];
    }
  }
  const text = JSON.stringify(found);
  if (typeof Deno !== "undefined") Deno.writeTextFileSync(PATH, text);
  else require("fs").writeFileSync(PATH, text);
})(READERS);
"""


class HelperValues:
    """HasValues. `ask` is given the names, and returns JSON: of each the value as JSON, and what is
    wrong with it."""

    def __init__(self, ask: Callable[[Sequence[str], float], Awaitable[str]]) -> None:
        self._ask = ask

    async def read_values(self, names: Sequence[str], deadline: float) -> Mapping[str, str]:
        """JSON texts. UsageError for a value that cannot be passed on, Busy as for variables."""
        answer = await self._ask(names, deadline)
        try:
            found = msgspec.json.decode(answer, type=dict[str, tuple[str, str]])
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"The kernel's answer cannot be read: {error}.") from error
        for name in names:
            text, problem = found.get(name, ("", "the kernel did not answer"))
            if problem or not text:
                raise UsageError(f"{name} cannot be passed on: {problem[:500]}.")
        return {name: found[name][0] for name in names}


def python_values(ask: Ask) -> HelperValues:
    async def read(names: Sequence[str], deadline: float) -> str:
        return await ask(f"NAMES, MOST = {list(names)!r}, {MOST}\n{_PYTHON}", deadline)

    return HelperValues(read)


def r_values(runs: HelperRuns) -> HelperValues:
    async def read(names: Sequence[str], deadline: float) -> str:
        listed = f"c({', '.join(json.dumps(name) for name in names)})"
        return await runs.ask(lambda path: _filled(_R, listed, path), deadline)

    return HelperValues(read)


def javascript_values(runs: HelperRuns) -> HelperValues:
    async def read(names: Sequence[str], deadline: float) -> str:
        readers = f"[{', '.join(f'[{json.dumps(name)}, () => {name}]' for name in names)}]"
        return await runs.ask(lambda path: _filled(_JAVASCRIPT, readers, path), deadline)

    return HelperValues(read)


def bash_values(runs: HelperRuns) -> HelperValues:
    async def read(names: Sequence[str], deadline: float) -> str:
        def code(path: str) -> str:
            return f" declare -p {' '.join(names)} >{shlex.quote(path)} 2>/dev/null"

        declared = bash.values_of(await runs.ask(code, deadline))
        found = {}
        for name in names:
            text = json.dumps(declared[name]) if name in declared else ""
            problem = "" if name in declared else "there is no such variable"
            if len(text) > MOST:
                text, problem = "", f"as JSON it has more than {MOST:,} characters"
            found[name] = [text, problem]
        return json.dumps(found)

    return HelperValues(read)


def _filled(template: str, names: str, path: str) -> str:
    values = {"NAMES": names, "READERS": names, "PATH": json.dumps(path), "MOST": str(MOST)}
    return re.sub(r"\b(NAMES|READERS|PATH|MOST)\b", lambda match: values[match[1]], template)

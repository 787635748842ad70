"""Variables of IRkernel, by helper code in R."""

from __future__ import annotations

import json
import re

import msgspec

from codeexec.domain.errors import NotFound, ProtocolError
from codeexec.domain.requests import VariableDetail, Variables
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns

# An active binding is a function that runs when it is read: it is named, and not read.
_DESCRIBE = """
one <- function(name, env) {
  if (bindingIsActive(name, env)) {
    return(list(name = name, type = "active binding"))
  }
  value <- get(name, envir = env, inherits = FALSE)
  shape <- if (is.function(value)) "" else if (is.null(dim(value))) as.character(length(value))
    else paste(dim(value), collapse = "x")
  kind <- if (is.function(value)) "function" else ""
  text <- tryCatch(
    utils::capture.output(utils::str(value, max.level = 0, give.attr = FALSE, vec.len = 3)),
    error = function(problem) ""
  )
  list(
    name = name, type = class(value)[1], shape = shape, kind = kind,
    preview = substr(trimws(paste(text[1])), 1, 200),
    size = unclass(utils::object.size(value))[1]
  )
}
"""
_VARIABLES = """
local({
  ONE
  names <- ls(globalenv())
  found <- lapply(utils::head(names, 1000), one, env = globalenv())
  answer <- list(variables = found, truncated = length(names) > 1000)
  text <- jsonlite::toJSON(answer, auto_unbox = TRUE)
  writeLines(enc2utf8(as.character(text)), PATH, useBytes = TRUE)
})
"""
_DETAIL = """
local({
  ONE
  answer <- if (!exists(NAME, envir = globalenv(), inherits = FALSE)) NULL else {
    found <- one(NAME, globalenv())
    text <- ""
    parts <- list()
    if (found$type != "active binding") {
      value <- get(NAME, envir = globalenv())
      text <- utils::capture.output(utils::str(value))
      text <- paste(utils::head(text, 500), collapse = "\\n")
      if (is.list(value) && !is.null(names(value)) && !isS4(value)) {
        named <- utils::head(unique(names(value)[nzchar(names(value))]), 200)
        parts <- lapply(named, one, env = list2env(unclass(value)[named]))
      }
    }
    list(variable = found, text = substr(text, 1, 20000), children = parts)
  }
  text <- jsonlite::toJSON(answer, auto_unbox = TRUE, null = "null")
  writeLines(enc2utf8(as.character(text)), PATH, useBytes = TRUE)
})
"""
_DELETE = """
local({
  done <- exists(NAME, envir = globalenv(), inherits = FALSE)
  if (done) rm(list = NAME, envir = globalenv())
  writeLines(if (done) "done" else "", PATH)
})
"""


class RVariables:
    """HasVariables."""

    def __init__(self, helper_runs: HelperRuns) -> None:
        self._runs = helper_runs

    async def variables(self, deadline: float) -> Variables:
        answer = await self._runs.ask(lambda path: _code(_VARIABLES, path), deadline)
        try:
            return msgspec.json.decode(answer, type=Variables)
        except msgspec.MsgspecError as error:
            raise _unreadable(error) from error

    async def describe(self, name: str, deadline: float) -> VariableDetail:
        """NotFound where there is none."""
        answer = await self._runs.ask(lambda path: _code(_DETAIL, path, name), deadline)
        try:
            detail = msgspec.json.decode(answer, type=VariableDetail | None)
        except msgspec.MsgspecError as error:
            raise _unreadable(error) from error
        if detail is None:
            raise NotFound(f"There is no variable {name}.")
        return detail

    async def delete(self, name: str, deadline: float) -> None:
        """NotFound where there is none."""
        answer = await self._runs.ask(lambda path: _code(_DELETE, path, name), deadline)
        if answer.strip() != "done":
            raise NotFound(f"There is no variable {name}.")


def _code(template: str, path: str, name: str = "") -> str:
    """The escapes of JSON are R's, but for letters beyond ASCII, which stay as they are."""
    values = {"ONE": _DESCRIBE, "NAME": _quoted(name), "PATH": _quoted(path)}
    return re.sub(r"\b(ONE|NAME|PATH)\b", lambda match: values[match[1]], template)


def _quoted(text: str) -> str:
    return json.dumps(text.replace("\0", ""), ensure_ascii=False)


def _unreadable(error: Exception) -> ProtocolError:
    return ProtocolError(f"R's answer about its variables cannot be read: {error}.")

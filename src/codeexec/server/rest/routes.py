"""The table of HTTP paths whose request is one of the protocol's: no model is written twice.

The fields of a request come from the path, the query and (where there is one) the JSON body;
OpenAPI's parameters and bodies are read off the same types.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from fastapi import FastAPI
from starlette.responses import Response

from codeexec.domain import requests as q
from codeexec.server.access.identity import current_agent

SESSION = "/v1/sessions/{session}"


def client(name: str = "http") -> q.ClientInfo:
    """The sender of this request as sessions see it: an agent where it says so, in the header
    X-Agent or by its token. `name` is that of a program that gives none."""
    agent = current_agent.get()
    return q.ClientInfo(agent or name, is_agent=bool(agent))


@dataclass(frozen=True, slots=True)
class Route:
    """`{session}` in the path names a session by id or name; other names are fields."""

    method: str
    path: str
    summary: str
    request: type[msgspec.Struct]
    answer: type[msgspec.Struct] = q.Done
    status: int = 200

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PATCH")

    def add(self, app: FastAPI, endpoint: Callable[..., Awaitable[Response]]) -> None:
        """Let `endpoint` answer it."""
        app.add_api_route(
            self.path,
            endpoint,
            methods=[self.method],
            status_code=self.status,
            summary=self.summary,
            response_class=Response,
        )


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/info", "Who serves, since when, and where", q.GetHostInfo, q.HostInfo),
    Route("GET", "/v1/sessions", "List sessions", q.ListSessions, q.SessionList),
    Route("POST", "/v1/sessions", "Open a session", q.OpenSession, q.SessionSummary, 201),
    Route("GET", "/v1/kernels", "List kernels one may ask for", q.ListKernels, q.KernelList),
    Route("POST", "/v1/stop", "End the server", q.StopHost, status=202),
    Route("PATCH", SESSION, "Rename a session", q.RenameSession),
    Route(
        "GET",
        f"{SESSION}/executions",
        "Executions, the last ones or those before number `before`, in the order of queueing",
        q.ListExecutions,
        q.ExecutionPage,
    ),
    Route("GET", f"{SESSION}/displays", "Displays, newest first", q.ListDisplays, q.DisplayPage),
    Route(
        "POST",
        f"{SESSION}/executions",
        "Queue code; with `wait`, answer when it has run",
        q.Execute,
        q.Accepted,
        202,
    ),
    Route(
        "GET",
        f"{SESSION}/executions/{{execution_id}}/rows",
        "A page of output rows",
        q.ReadRows,
        q.Rows,
    ),
    Route(
        "POST",
        f"{SESSION}/executions/{{execution_id}}/cancel",
        "Take it out of the queue, or interrupt it",
        q.CancelExecution,
        status=202,
    ),
    Route(
        "POST",
        f"{SESSION}/executions/{{execution_id}}/confirm",
        "Let an agent's execution run that waits for it, or refuse it",
        q.ConfirmExecution,
    ),
    Route("POST", f"{SESSION}/queue/clear", "Cancel all that waits", q.ClearQueue),
    Route("POST", f"{SESSION}/interrupt", "Interrupt what runs", q.Interrupt, status=202),
    Route("POST", f"{SESSION}/size", "The size of the screen, for programs", q.ResizeTerminals),
    Route("POST", f"{SESSION}/stdin", "Answer a request for input", q.AnswerStdin),
    Route(
        "POST",
        f"{SESSION}/logins/{{question_id}}",
        "Answer what a login to another machine asks, or give the login up",
        q.AnswerLogin,
    ),
    Route("GET", f"{SESSION}/search", "Search the output", q.SearchRows, q.RowMatches),
    Route("POST", f"{SESSION}/kernels", "Start another kernel", q.StartKernel, status=202),
    Route(
        "POST",
        f"{SESSION}/kernels/{{kernel}}/default",
        "Let this kernel run what names none",
        q.SetDefaultKernel,
    ),
    Route(
        "DELETE", f"{SESSION}/kernels/{{kernel}}", "Stop a kernel, and forget it", q.RemoveKernel
    ),
    Route("POST", f"{SESSION}/kernel/restart", "A fresh kernel", q.RestartKernel),
    Route("POST", f"{SESSION}/kernel/shutdown", "Stop the kernel", q.ShutDownKernel),
    Route("POST", f"{SESSION}/kernel/pause", "Let its container stand still", q.PauseKernel),
    Route("POST", f"{SESSION}/kernel/unpause", "Let its container go on", q.UnpauseKernel),
    Route("GET", f"{SESSION}/kernel/usage", "CPU, memory and clients", q.GetUsage, q.Usage),
    Route("POST", f"{SESSION}/complete", "Complete code", q.Complete, q.Completions),
    Route("POST", f"{SESSION}/inspect", "Explain the name at the cursor", q.Inspect, q.Inspection),
    Route(
        "POST",
        f"{SESSION}/is-complete",
        "Would this code run as it is?",
        q.IsComplete,
        q.Completeness,
    ),
    Route("GET", f"{SESSION}/variables", "Variables, fresh", q.RefreshVariables, q.Variables),
    Route(
        "GET",
        f"{SESSION}/variables/{{name}}",
        "A longer look at a variable",
        q.InspectVariable,
        q.VariableDetail,
    ),
    Route(
        "POST",
        f"{SESSION}/variable-sizes",
        "How much memory variables hold, with all that is in them",
        q.MeasureVariables,
        q.VariableSizes,
    ),
    Route(
        "GET",
        f"{SESSION}/variables/{{name}}/table",
        "A page of a data frame or array",
        q.ReadTable,
        q.TablePage,
    ),
    Route(
        "POST",
        f"{SESSION}/variables/{{name}}/table",
        "Filtered and ordered rows of a table, facts about a column, files of it",
        q.QueryTable,
        q.TableAnswer,
    ),
    Route(
        "POST",
        f"{SESSION}/comms/{{comm_id}}",
        "Set values of a widget, or click a button",
        q.SendComm,
        q.CommSent,
        202,
    ),
    Route("DELETE", f"{SESSION}/variables/{{name}}", "Delete a variable", q.DeleteVariable),
    Route(
        "PATCH",
        f"{SESSION}/session-variables",
        "Set or remove variables of the session",
        q.SetSessionVariables,
    ),
    Route(
        "PATCH",
        f"{SESSION}/learner",
        "Keep how far a learner is with a lesson",
        q.KeepLearnerRecord,
    ),
    Route(
        "POST",
        f"{SESSION}/lesson/keys",
        "Press a key of the lesson that another client gives",
        q.SteerLesson,
    ),
    Route("GET", f"{SESSION}/plugins", "Plugins", q.ListPlugins, q.PluginList),
    Route("POST", f"{SESSION}/plugins", "Load a plugin", q.LoadPlugin, q.PluginAnswer),
    Route(
        "POST",
        f"{SESSION}/plugins/{{name}}/test",
        "Run the tests of a plugin",
        q.TestPlugin,
        q.PluginAnswer,
    ),
    Route("DELETE", f"{SESSION}/plugins/{{name}}", "Unload", q.UnloadPlugin, q.PluginAnswer),
    Route(
        "GET", f"{SESSION}/history", "Code that was run, newest first", q.SearchHistory, q.History
    ),
    Route("GET", f"{SESSION}/files", "Files of the working folder", q.ListFiles, q.FileList),
    Route("POST", f"{SESSION}/files/rename", "Rename a file or folder", q.RenameFile),
    Route("POST", f"{SESSION}/folders", "Make a folder", q.MakeFolder, status=201),
    Route("GET", f"{SESSION}/terminals", "Terminals", q.ListTerminals, q.TerminalList),
    Route(
        "POST",
        f"{SESSION}/terminals",
        "Open a terminal with a shell or a command",
        q.OpenTerminal,
        q.TerminalAnswer,
        201,
    ),
    Route(
        "GET",
        f"{SESSION}/joinable-terminals",
        "Terminals of others at its Jupyter server",
        q.ListJoinableTerminals,
        q.JoinableTerminals,
    ),
    Route(
        "GET",
        f"{SESSION}/terminals/{{terminal_id}}",
        "A terminal and its screen",
        q.ReadTerminal,
        q.TerminalState,
    ),
    Route(
        "POST",
        f"{SESSION}/terminals/{{terminal_id}}/input",
        "Type, paste, use the mouse",
        q.TypeInTerminal,
    ),
    Route("POST", f"{SESSION}/terminals/{{terminal_id}}/size", "Its size", q.ResizeTerminal),
    Route(
        "GET",
        f"{SESSION}/terminals/{{terminal_id}}/rows",
        "A page of its scrollback and screen",
        q.ReadTerminalRows,
        q.TerminalRows,
    ),
    Route(
        "GET",
        f"{SESSION}/terminals/{{terminal_id}}/text",
        "Rows as text",
        q.ReadTerminalText,
        q.RowText,
    ),
    Route(
        "GET",
        f"{SESSION}/terminals/{{terminal_id}}/search",
        "Search its rows",
        q.SearchTerminal,
        q.TerminalMatches,
    ),
    Route(
        "POST",
        f"{SESSION}/terminals/{{terminal_id}}/restart",
        "Start its program again",
        q.RestartTerminal,
        q.TerminalAnswer,
    ),
    Route("DELETE", f"{SESSION}/terminals/{{terminal_id}}", "Close it", q.CloseTerminal),
    Route("POST", f"{SESSION}/artifacts", "Keep a file as an artifact", q.PinArtifact, status=201),
    Route("DELETE", f"{SESSION}/artifacts/{{artifact_id}}", "Remove an artifact", q.RemoveArtifact),
)

"""Requests of clients to the engine, and the replies to them.

A request is answered at once with whether it was accepted; its results follow as events. Only
queries (`Complete`, `ReadRows`, ...) are answered with what they asked for.
"""

from __future__ import annotations

from codeexec.domain.requests.base import (
    Done,
    Reply,
    Request,
)
from codeexec.domain.requests.comms import CommMessage, CommSent, CommUpdate, SendComm
from codeexec.domain.requests.files import (
    FileContent,
    FileEntry,
    FileList,
    ListFiles,
    MakeFolder,
    ReadFile,
    RemoveFile,
    RenameFile,
    WriteFile,
)
from codeexec.domain.requests.kernels import (
    Accepted,
    AnswerStdin,
    CancelExecution,
    ClearQueue,
    Complete,
    Completeness,
    Completion,
    Completions,
    ConfirmExecution,
    Execute,
    Inspect,
    Inspection,
    Interrupt,
    IsComplete,
    PauseKernel,
    RemoveKernel,
    ResizeTerminals,
    RestartKernel,
    SetDefaultKernel,
    ShutDownKernel,
    StartKernel,
    UnpauseKernel,
)
from codeexec.domain.requests.learning import KeepLearnerRecord
from codeexec.domain.requests.logins import AnswerLogin
from codeexec.domain.requests.output import (
    Blob,
    DisplayPage,
    DisplayRow,
    ExecutionPage,
    ExecutionState,
    ListDisplays,
    ListExecutions,
    ReadBlob,
    ReadExecution,
    ReadRows,
    RowMatch,
    RowMatches,
    Rows,
    SearchRows,
)
from codeexec.domain.requests.plugins import (
    ListPlugins,
    LoadPlugin,
    PluginAnswer,
    PluginList,
    SetSessionVariables,
    TestPlugin,
    UnloadPlugin,
)
from codeexec.domain.requests.sessions import (
    ClientInfo,
    ClosePages,
    GetHostInfo,
    GetUsage,
    HostInfo,
    KernelInfo,
    KernelList,
    KernelSummary,
    LessonPart,
    ListenerOpened,
    ListKernels,
    ListSessions,
    OpenListener,
    OpenPage,
    OpenSession,
    PageAddress,
    PageLesson,
    PinArtifact,
    RemoveArtifact,
    RemoveSession,
    RenameSession,
    SessionList,
    SessionSummary,
    StopHost,
    StopSession,
    Usage,
)
from codeexec.domain.requests.steering import SteerLesson
from codeexec.domain.requests.tables import (
    CancelTable,
    ColumnFacts,
    CountValues,
    DescribeColumn,
    FindValue,
    QueryTable,
    SortKey,
    TableAnswer,
    TableCode,
    TableQuestion,
    TableRows,
    TableView,
    WriteTable,
)
from codeexec.domain.requests.terminals import (
    CloseTerminal,
    JoinableTerminals,
    ListJoinableTerminals,
    ListTerminals,
    OpenTerminal,
    ReadTerminal,
    ReadTerminalRows,
    ReadTerminalText,
    ResizeTerminal,
    RestartTerminal,
    RowText,
    SearchTerminal,
    TerminalAnswer,
    TerminalList,
    TerminalMatch,
    TerminalMatches,
    TerminalRows,
    TerminalState,
    TypeInTerminal,
)
from codeexec.domain.requests.variables import (
    DeleteVariable,
    History,
    HistoryEntry,
    InspectVariable,
    MeasureVariables,
    ReadTable,
    RefreshVariables,
    SearchHistory,
    TablePage,
    VariableDetail,
    Variables,
    VariableSize,
    VariableSizes,
)

SessionRequest = (
    Execute
    | ConfirmExecution
    | CancelExecution
    | ClearQueue
    | AnswerStdin
    | Interrupt
    | ResizeTerminals
    | StartKernel
    | SetDefaultKernel
    | RemoveKernel
    | RestartKernel
    | ShutDownKernel
    | PauseKernel
    | UnpauseKernel
    | Complete
    | Inspect
    | IsComplete
    | ReadRows
    | SearchRows
    | ReadExecution
    | ListExecutions
    | ListDisplays
    | ReadBlob
    | RefreshVariables
    | InspectVariable
    | MeasureVariables
    | ReadTable
    | QueryTable
    | DeleteVariable
    | SendComm
    | SearchHistory
    | RenameSession
    | PinArtifact
    | RemoveArtifact
    | KeepLearnerRecord
    | AnswerLogin
    | SteerLesson
    | GetUsage
)

HostRequest = (
    OpenSession | ListSessions | StopSession | RemoveSession | ListKernels | GetHostInfo | StopHost
)

TerminalRequest = (
    OpenTerminal
    | RestartTerminal
    | CloseTerminal
    | TypeInTerminal
    | ResizeTerminal
    | ListTerminals
    | ListJoinableTerminals
    | ReadTerminal
    | ReadTerminalRows
    | SearchTerminal
    | ReadTerminalText
)

FileRequest = ListFiles | ReadFile | WriteFile | MakeFolder | RenameFile | RemoveFile

PluginRequest = LoadPlugin | TestPlugin | UnloadPlugin | ListPlugins | SetSessionVariables

ServiceRequest = OpenListener | OpenPage | ClosePages

AnyRequest = (
    SessionRequest | TerminalRequest | FileRequest | PluginRequest | HostRequest | ServiceRequest
)

WATCHABLE = (
    Complete,
    Inspect,
    IsComplete,
    ReadRows,
    SearchRows,
    ReadExecution,
    ListExecutions,
    ListDisplays,
    ReadBlob,
    InspectVariable,
    MeasureVariables,
    ReadTable,
    QueryTable,
    SearchHistory,
    GetUsage,
    ListTerminals,
    ReadTerminal,
    ReadTerminalRows,
    SearchTerminal,
    ReadTerminalText,
    ListPlugins,
)
"""Requests that a client that only watches may make."""

__all__ = [
    "WATCHABLE",
    "Accepted",
    "AnswerLogin",
    "AnswerStdin",
    "AnyRequest",
    "Blob",
    "CancelExecution",
    "CancelTable",
    "ClearQueue",
    "ClientInfo",
    "ClosePages",
    "CloseTerminal",
    "ColumnFacts",
    "CommMessage",
    "CommSent",
    "CommUpdate",
    "Complete",
    "Completeness",
    "Completion",
    "Completions",
    "ConfirmExecution",
    "CountValues",
    "DeleteVariable",
    "DescribeColumn",
    "DisplayPage",
    "DisplayRow",
    "Done",
    "Execute",
    "ExecutionPage",
    "ExecutionState",
    "FileContent",
    "FileEntry",
    "FileList",
    "FileRequest",
    "FindValue",
    "GetHostInfo",
    "GetUsage",
    "History",
    "HistoryEntry",
    "HostInfo",
    "HostRequest",
    "Inspect",
    "InspectVariable",
    "Inspection",
    "Interrupt",
    "IsComplete",
    "JoinableTerminals",
    "KeepLearnerRecord",
    "KernelInfo",
    "KernelList",
    "KernelSummary",
    "LessonPart",
    "ListDisplays",
    "ListExecutions",
    "ListFiles",
    "ListJoinableTerminals",
    "ListKernels",
    "ListPlugins",
    "ListSessions",
    "ListTerminals",
    "ListenerOpened",
    "LoadPlugin",
    "MakeFolder",
    "MeasureVariables",
    "OpenListener",
    "OpenPage",
    "OpenSession",
    "OpenTerminal",
    "PageAddress",
    "PageLesson",
    "PauseKernel",
    "PinArtifact",
    "PluginAnswer",
    "PluginList",
    "PluginRequest",
    "QueryTable",
    "ReadBlob",
    "ReadExecution",
    "ReadFile",
    "ReadRows",
    "ReadTable",
    "ReadTerminal",
    "ReadTerminalRows",
    "ReadTerminalText",
    "RefreshVariables",
    "RemoveArtifact",
    "RemoveFile",
    "RemoveKernel",
    "RemoveSession",
    "RenameFile",
    "RenameSession",
    "Reply",
    "Request",
    "ResizeTerminal",
    "ResizeTerminals",
    "RestartKernel",
    "RestartTerminal",
    "RowMatch",
    "RowMatches",
    "RowText",
    "Rows",
    "SearchHistory",
    "SearchRows",
    "SearchTerminal",
    "SendComm",
    "SessionList",
    "SessionRequest",
    "SessionSummary",
    "SetDefaultKernel",
    "SetSessionVariables",
    "ShutDownKernel",
    "SortKey",
    "StartKernel",
    "SteerLesson",
    "StopHost",
    "StopSession",
    "TableAnswer",
    "TableCode",
    "TablePage",
    "TableQuestion",
    "TableRows",
    "TableView",
    "TerminalAnswer",
    "TerminalList",
    "TerminalMatch",
    "TerminalMatches",
    "TerminalRequest",
    "TerminalRows",
    "TerminalState",
    "TestPlugin",
    "TypeInTerminal",
    "UnloadPlugin",
    "UnpauseKernel",
    "Usage",
    "VariableDetail",
    "VariableSize",
    "VariableSizes",
    "Variables",
    "WriteFile",
    "WriteTable",
]

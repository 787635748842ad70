"""The commands of `codeexec-tui`: where each is implemented, and its line in the help."""

from __future__ import annotations

PROGRAM = "codeexec-tui"

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("codeexec.cli.run.command:run", "Run a script, a notebook or stdin without a screen."),
    "build": ("codeexec.cli.commands.build:build", "Build a program without running it."),
    "attach": (
        "codeexec.cli.commands.workbench:attach",
        "Open the workbench on a session that is running.",
    ),
    "demo": (
        "codeexec.cli.commands.workbench:demo",
        "Take the tour: a lesson in steps on a real kernel.",
    ),
    "lesson": (
        "codeexec.cli.lessons.command:lesson",
        "Give or verify a lesson: Markdown that runs.",
    ),
    "record": (
        "codeexec.cli.recording.record:record",
        "Write a session or lesson as .cast, .gif, .svg, .html …",
    ),
    "play": (
        "codeexec.cli.recording.play:play",
        "Play an asciicast back in this terminal.",
    ),
    "export": (
        "codeexec.cli.commands.export:export",
        "Write a notebook or a script as HTML, Markdown, PDF …",
    ),
    "page": (
        "codeexec.cli.commands.browser.page:page",
        "Show a session in a browser, to you or an audience.",
    ),
    "sessions": (
        "codeexec.cli.commands.sessions:sessions",
        "List, show, stop, remove, export sessions.",
    ),
    "terminal": (
        "codeexec.cli.commands.terminal:terminal",
        "List, open, attach and close terminals.",
    ),
    "plugins": (
        "codeexec.cli.commands.plugins:plugins",
        "List, load, test and unload plugins.",
    ),
    "kernels": (
        "codeexec.cli.commands.kernels:kernels",
        "List kernels, and why one cannot be used.",
    ),
    "serve": (
        "codeexec.cli.commands.serve:serve",
        "Serve sessions in the foreground, on TCP if asked.",
    ),
    "token": (
        "codeexec.cli.commands.token:token",
        "Tokens for users of a server that others reach.",
    ),
    "install": (
        "codeexec.cli.commands.install:install",
        "Put this version on another machine, for --ssh.",
    ),
    "docker": ("codeexec.cli.commands.docker:docker", "Build and check the image for containers."),
    "trust": (
        "codeexec.cli.commands.trust:trust",
        "Trust a folder, list trusted folders, revoke trust.",
    ),
    "config": (
        "codeexec.cli.commands.config:config",
        "Show and change settings, and where each comes from.",
    ),
    "disk": (
        "codeexec.cli.commands.disk:disk",
        "Show what sessions and caches use on disk, and free it.",
    ),
    "doctor": (
        "codeexec.cli.commands.doctor.command:doctor",
        "Check this machine, with the fix for each problem.",
    ),
    "mcp": (
        "codeexec.cli.commands.mcp:mcp",
        "Serve ten tools for an agent (MCP) over stdin and stdout.",
    ),
    "completion": (
        "codeexec.cli.commands.completion:completion",
        "Print the completion script of a shell.",
    ),
    "result": (
        "codeexec.cli.commands.agents:result",
        "Print status and output of an execution.",
    ),
    "state": (
        "codeexec.cli.commands.agents:state",
        "Print kernels, queue, cells and variables.",
    ),
    "variables": ("codeexec.cli.commands.agents:variables", "List variables, or describe one."),
    "table": ("codeexec.cli.commands.agents:table", "Print rows of a data frame or array."),
    "interrupt": ("codeexec.cli.commands.agents:interrupt", "Interrupt what runs."),
    "restart": ("codeexec.cli.commands.agents:restart", "Restart the kernel."),
    "artifact": (
        "codeexec.cli.commands.agents:artifact",
        "List or save files and displays of runs.",
    ),
    "edit-cell": ("codeexec.cli.commands.agents:edit_cell", "Replace the source of a cell."),
}
"""`module:function` of each command, and its line in the help."""

IN_SESSION = (
    *("result", "state", "variables", "table", "interrupt", "restart", "artifact", "edit-cell"),
)
"""Commands on an open session, which `run --session` and the tools of `mcp` belong to as well."""

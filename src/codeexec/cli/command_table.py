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
    "export": (
        "codeexec.cli.commands.export:export",
        "Write a notebook or a script as HTML, Markdown, PDF …",
    ),
    "sessions": (
        "codeexec.cli.commands.sessions:sessions",
        "List, show, stop, remove, export sessions.",
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
    "docker": ("codeexec.cli.commands.docker:docker", "Build and check the image for containers."),
    "trust": (
        "codeexec.cli.commands.trust:trust",
        "Trust a folder, list trusted folders, revoke trust.",
    ),
    "config": (
        "codeexec.cli.commands.config:config",
        "Show and change settings, and where each comes from.",
    ),
    "doctor": (
        "codeexec.cli.commands.doctor:doctor",
        "Check this machine, with the fix for each problem.",
    ),
    "completion": (
        "codeexec.cli.commands.completion:completion",
        "Print the completion script of a shell.",
    ),
}
"""`module:function` of each command, and its line in the help."""

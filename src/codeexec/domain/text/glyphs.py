"""The glyph of each state: one cell wide, and told apart without colour."""

EXECUTIONS = {
    "queued": "◌",
    "running": "▶",
    "ok": "✓",
    "error": "✗",
    "cancelled": "◇",
    "timed_out": "◷",
    "lost": "?",
}
"""By `ExecutionStatus`."""

KERNELS = {
    "none": "○",
    "starting": "◌",
    "adopting": "◌",
    "idle": "●",
    "busy": "▶",
    "paused": "‖",
    "dead": "✗",
    "stopped": "○",
    "closed": "·",
}
"""By `KernelState` and the states of `SessionSummary`."""

"""The console: executions as cards above a prompt."""

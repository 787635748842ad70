"""The console: executions as quiet cards over a prompt."""

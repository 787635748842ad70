"""Output of executions: rows, bodies, heights and clicks, for any pane that shows them."""

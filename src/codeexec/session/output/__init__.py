"""Output of executions as documents of rows, and its export."""

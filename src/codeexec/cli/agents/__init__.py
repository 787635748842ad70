"""What an agent does in a session: ten operations, as tools of MCP and as commands."""

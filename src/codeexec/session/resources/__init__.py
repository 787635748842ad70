"""What the processes of sessions use of this machine, held to limits while they run."""

"""What processes use of the machine: processor time, memory, threads."""

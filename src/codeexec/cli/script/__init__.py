"""`run SCRIPT`: runs a script as a process with its own interpreter and terminal."""

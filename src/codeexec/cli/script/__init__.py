"""`run SCRIPT`: the script as a program with its own interpreter and terminal."""

"""The command `doctor`: what of this machine would keep the program from working."""

"""The table of commands, and the keymaps and scopes that decide which key runs which."""

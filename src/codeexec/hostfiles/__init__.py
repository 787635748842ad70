"""Files of this machine in folders that other code may change; imports only `domain`."""

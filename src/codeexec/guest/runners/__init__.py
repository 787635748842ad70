"""Runner scripts of execution environments; each is copied into the environment and run there."""

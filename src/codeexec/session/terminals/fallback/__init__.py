"""The terminal emulator where libghostty has no wheel: bittty, in Python alone, and slower."""

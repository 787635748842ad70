"""Control strings of programs that an emulator does not handle: pictures, and the clipboard."""

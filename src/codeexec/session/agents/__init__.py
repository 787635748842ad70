"""What agents may run beside the user: the user's confirmation, and which code needs it."""

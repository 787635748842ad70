"""Users of the service: their identity, what they may do, and the sessions that are theirs."""

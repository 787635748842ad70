"""The words everything is said in: requests, events, outputs, the fold and its snapshot."""

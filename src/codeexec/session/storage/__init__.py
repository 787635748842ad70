"""What a session keeps on disk: the journal of its events, indexes over it, the history."""

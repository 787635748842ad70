"""A pane that only tests know: it counts frames, and keeps the number of times it was wound."""

"""The variables pane: names of the kernel and their contents."""

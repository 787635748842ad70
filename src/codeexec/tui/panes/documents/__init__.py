"""The editor pane: tabs of documents, what is unsaved of them, and how their cells ran."""

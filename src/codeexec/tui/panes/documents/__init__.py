"""The editor pane: tabs of documents, unsaved text, and cell runs."""

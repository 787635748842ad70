"""The session as seen by the workbench: opening, requests, and frames of changes."""

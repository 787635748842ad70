"""Documents from anywhere: open, save, close, leave, and what they report to other panes."""

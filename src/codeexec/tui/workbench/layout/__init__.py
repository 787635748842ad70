"""Layout of the panes: boxes, sizes, focus, presentation mode, runs while the console is hidden."""

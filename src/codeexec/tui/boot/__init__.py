"""From the command line to the first frame: nothing heavy is imported before it is drawn."""

"""Start-up from the command line to the first frame; heavy imports come after it is drawn."""

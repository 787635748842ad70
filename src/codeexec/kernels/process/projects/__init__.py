"""Projects as programs: a build system configures, builds and tests them, in steps."""

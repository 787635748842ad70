"""The kernels of a session: slots, supervision, queues, interrupts, variables."""

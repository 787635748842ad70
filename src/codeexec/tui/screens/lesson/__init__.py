"""The screens of a lesson: its step, its overview, the speaker's view."""

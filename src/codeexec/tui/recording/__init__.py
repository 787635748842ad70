"""Recordings on screen: sessions drawn on a virtual screen, and the player."""

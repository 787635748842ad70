"""The client of the holder process (`guest/holder.py`), which keeps processes and terminals."""

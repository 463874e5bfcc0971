"""Which node is to blame for numbers that are none."""

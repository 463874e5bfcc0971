"""What every value looks like, and along which time."""

"""What a recorded network makes of itself: it writes, draws samples, or goes on with a series."""

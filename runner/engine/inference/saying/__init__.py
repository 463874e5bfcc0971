"""What a network is asked to say, and how its values become columns."""

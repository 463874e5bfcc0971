"""How the learning rate changes, a file a family."""

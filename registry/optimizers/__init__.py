"""How weights change, a file a family."""

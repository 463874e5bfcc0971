"""Node types, a file each."""

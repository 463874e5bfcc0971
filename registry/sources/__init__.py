"""Where data comes from, a file each."""

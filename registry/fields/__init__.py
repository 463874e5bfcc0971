"""Types of columns, a file each."""

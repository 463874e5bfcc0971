"""What is asked of many runs at once: lists, children, names."""

"""What a network is judged by, a file a family."""

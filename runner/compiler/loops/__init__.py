"""A loop of delayed edges as a program that can leave Python."""

"""Text to plan, without torch: one arrow of the way a file."""

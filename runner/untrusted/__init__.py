"""Specs from strangers: files opened without following links, and a process that can do little."""

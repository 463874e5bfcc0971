"""Specs and files from strangers: opened without following links, kept where nobody else may write, run in a process that can do little."""

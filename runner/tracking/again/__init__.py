"""Runs that go on: which can, and what they have said before."""

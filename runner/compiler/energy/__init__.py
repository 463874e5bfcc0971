"""Symmetric edges as energy networks, and the learners that go with them."""

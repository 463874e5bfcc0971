"""Two specs compared by meaning: which node of one is which of the other, and what is left that differs."""

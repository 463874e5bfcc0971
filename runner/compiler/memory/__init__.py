"""How much memory a training takes, by whole numbers and before anything is allocated, and how much there is."""

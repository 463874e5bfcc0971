"""What is kept of a network and of a training, and how it is proved whole."""

"""A trained network at work: it answers, writes, draws and recollects."""

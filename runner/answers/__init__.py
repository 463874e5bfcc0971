"""What a recorded network answers to people: rows of a file, texts, samples."""

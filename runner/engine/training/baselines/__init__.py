"""What a result stands beside: what is guessed or fitted without the network."""

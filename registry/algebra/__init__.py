"""How a node computes, in words that a compiler knows."""

"""Fields of measured numbers: how they are scaled, and what fills their gaps."""

"""Vectors that another training found for symbols: the files in which they are passed on, and what is taken of them."""

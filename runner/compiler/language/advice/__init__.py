"""What is wrong with a value, and what to write instead: loaded where a spec has a mistake."""

"""Rows that are ticks of series: which follow each other, windows over them, and what lies behind those."""

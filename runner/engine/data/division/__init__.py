"""Which rows are learned from, chosen by, and tested on."""

"""Verbs that do their work in other processes: several runs in one, one run in several."""

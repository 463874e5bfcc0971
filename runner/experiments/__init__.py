"""Many runs.

runs.py        the runs of a store as a table: what differs, best first
compare.py     runs side by side, and whether a difference is more than chance
groups.py      which runs are one but for the seed; chance.py: the tests; answers.py: figures computed again from what was answered
verdict.py     the answer in words; tables.py: for the terminal
"""

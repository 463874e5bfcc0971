"""Who runs the trials of a sweep: tasks go out, words come back, who dies is replaced.

workers.py     what an engine is: it is called for a sweep, and gives workers; work.py: what each of them does
local.py       processes of this machine
"""

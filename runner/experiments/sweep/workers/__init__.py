"""Who runs the trials of a sweep. Two engines, one idea: tasks go out, words come back, who dies is replaced.

workers.py     what an engine is: it is called for a sweep, and gives workers; work.py: what each of them does
local.py       processes of this machine
on_ray.py      processes of a Ray cluster, each kept by an actor there; the only file that knows Ray
"""

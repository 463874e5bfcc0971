"""A sweep: many runs of one spec, each a run of its own, that search for good settings. The only room that knows Optuna.

sweep.py       a whole sweep, in the order of events
space.py       `over` as Optuna's distributions, and back as settings; study.py: what is kept in the sweep's file
trials.py      what the processes say to each other; workers/: those that train, on this machine or on Ray, and their owner's side
live.py        what a person sees meanwhile; summary.py: what the sweep leaves behind; best_spec.py: the best as a file
"""

"""Runs in MLflow. Nothing else in nnrun knows of it.

The trainer's process, without mlflow:  recorder -> journal, in a folder of the outbox; spawn starts the other process
The process beside it:                  beside/: sidecar -> delivery (when, how often) -> sender (what MLflow is told), model
Later:                                  sync (what stayed in the outbox), runs (find and fetch), children (runs of a run), ui
"""

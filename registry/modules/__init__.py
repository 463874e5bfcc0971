"""Torch maths that torch lacks: plain modules that have never heard of YAML."""

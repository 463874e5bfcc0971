"""More than one training of a spec: looked for, and compared."""

"""Many runs: a learning rate is looked for, runs are listed and compared, settings are searched."""

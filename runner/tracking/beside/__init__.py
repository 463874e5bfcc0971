"""The process beside the trainer, which alone talks to MLflow while a run goes on."""

"""A store for a team: PostgreSQL and MLflow's server on one folder."""

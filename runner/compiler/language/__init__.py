"""The language as models, and what pydantic says of a spec as findings."""

"""What else a path of a spec may mean than one file: many, or one elsewhere."""

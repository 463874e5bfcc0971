"""What a run leaves behind: its name and note, its figures beside others, its pictures, predictions and model."""

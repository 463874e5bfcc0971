"""What a training follows: a loss, the data itself, or a rule that stores."""

"""One loop of events, and the learners that it drives."""

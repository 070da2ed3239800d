"""Recovery: whether the flattest solution is the truth."""

"""The square loss on the line: what the step size does to the learned curve."""

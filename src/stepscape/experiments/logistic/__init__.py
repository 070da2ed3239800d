"""The logistic loss on the line: step size, noise, uncertainty."""

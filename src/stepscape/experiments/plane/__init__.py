"""Claims about inputs in R^d: neural shattering, biases, geometry of the data, mixup."""

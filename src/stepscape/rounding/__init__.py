"""Numbers of the network on the line with bounds on their rounding: twice the digits, or exact."""

PROMISE = 1e-10  # of a value or residual: what its error must not exceed

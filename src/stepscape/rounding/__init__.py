"""Numbers of the network on the line with bounds on their rounding: twice the digits, or exact."""

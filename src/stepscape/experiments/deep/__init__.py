"""Deep networks, and methods beyond gradient descent: what each of them stabilizes."""

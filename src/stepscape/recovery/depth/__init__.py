"""Products of k layers: the flattest one, the one of least weight decay, and flat layers of a product."""

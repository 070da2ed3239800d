"""Flat minima that recover matrices of low rank: which they are, what training finds, what noise does."""

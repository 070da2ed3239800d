"""Flat minima that recover matrices of low rank: which ones, how the flat factors look, what noise does."""

"""Figures: tables and arrays in, matplotlib figures out; matplotlib is imported when drawing."""

"""Theorems about inputs on the line: one module per theorem or subject."""

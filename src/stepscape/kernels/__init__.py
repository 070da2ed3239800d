"""Compiled loops: arrays in, status codes out; they never raise, print, or allocate per step."""

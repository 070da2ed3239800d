"""The edge of stability: where gradient descent settles."""

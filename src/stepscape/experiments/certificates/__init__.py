"""Certificates in numbers: what the certified class of a trained network says about its risk."""

"""Measurements, side by side in one run: `make bench`. What is compared stands in the module of each subject."""

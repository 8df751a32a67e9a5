"""Operators: one named class per remedy, each ten lines around the core's steps; and the question."""

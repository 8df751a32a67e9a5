"""Triggers: one shared poll for all watched items, and the proofs of repairs. They read; they never change."""

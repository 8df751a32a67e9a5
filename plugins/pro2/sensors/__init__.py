"""Deferrable sensors: one per watched item, one per proof. They end in the triggerer."""

"""Helpers by topic: each module is a door to where the work is done."""

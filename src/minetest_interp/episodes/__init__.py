"""Whole episodes: a policy plays the real game with keys and mouse, and what it saw and did is kept."""

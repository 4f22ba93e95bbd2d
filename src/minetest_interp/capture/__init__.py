"""Frames of one's own: drives the real game without a screen and labels what it draws, pixel by pixel."""

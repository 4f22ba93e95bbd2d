"""Inputs that drive a unit: the notebook's ascent, parametrised images, the atlas, comparisons of recipes."""

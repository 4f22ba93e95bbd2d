"""Methods over arrays: attribution, interventions, circuits, overlap with masks, statistics."""

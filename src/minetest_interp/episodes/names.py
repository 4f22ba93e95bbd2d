"""What policies with one thing changed are called, in recordings and in claims."""

MIRRORED, EVEN = "mirrored", "even"  # edits of the picture
SILENCED, SILENCED_RANDOM, UNSTEERED = "silenced", "silenced-random", "unsteered"  # edits of the network
NIGHT = "night"
DECOYS = {"decoys-left": "left", "decoys-right": "right"}  # the side of the dark pillar
VARIANTS = MIRRORED, EVEN, SILENCED, SILENCED_RANDOM, UNSTEERED, NIGHT, *DECOYS

"""Parts of the tables in `stores`: what some measurements add to files that hold other arrays too."""

MASKS = """\
masks/reason | | text | | why maps are not held against masks; then there is none of the following
masks/frames | drawn frame | text | | labelled frames, each of another cluster
masks/judged | | text | | the method that the claim is about
masks/{finding}/own | drawn frame, method | float64 | share | how the steering's map finds its own frame's mask
masks/{finding}/others | drawn frame, method | float64 | share | the same of all other frames' masks, mean
masks/{finding}/above_others | mean low high, method | float64 | difference of shares | own less others, over the frames
masks/shown/frame | | text | | of the drawn frames the one that steers most
masks/shown/score | | float32 | the readout's | its steering
masks/shown/grey | row, column | float32 | grey level, 0 to 255 | the frame
masks/shown/inside | row, column | bool | | its mask
masks/shown/strength | method, row, column | float64 float32 | the readout's, or per grey level | absolute attribution
"""

KEPT = """\
kept/reason | | text | | why no channels are held at their means; then there is none of the following
kept/layer | | text | | the last with positions
kept/frames | tested frame | text | | frames that have not chosen the channels
kept/clusters | tested frame | int | | near-duplicates share a number
kept/strength | channel | float64 | the readout's | mean absolute change of the steering when it alone is held
kept/sizes | size | int | | channels that are kept, or held
kept/few | | int | | the size that is judged
kept/strongest | mean low high, size | float64 | share | of the variance, explained by the strongest
kept/without | mean low high, size | float64 | share | the same by all others
kept/random | size, draw | float64 | share | the same by random channels
"""

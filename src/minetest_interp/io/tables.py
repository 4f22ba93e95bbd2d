"""Tables of `stores` that are kept apart for their length."""

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
kept/shuffled | network, strongest and random | float64 | share | at the size that is judged, with shuffled weights
"""

PROBES = """\
steps | step | text | | brightness (a map of 4 by 4 mean grey levels), pixels, and the layers
{target}/frames | frame of {target} | text | | names
{target}/clusters | frame of {target} | int | | near-duplicates share a number
{target}/values | frame of {target} | int float64 | | number of the class, or the logarithm of 1 and the nodes
{target}/classes | class of {target} | text | | names; none where numbers are decoded
{target}/gained | step, frame of {target} | float64 | | 1 or 0, right or not; of numbers by how much it errs less
{target}/possible | frame of {target} | float64 | | 1; of numbers how much the mean errs, squared
{target}/score | step | float64 | share | sum of what is gained over that of what is possible
{target}/interval | step, low and high | float64 | share | of the score
{target}/chance | | float64 | share | .5 for the side, else that of the most frequent class; 0 for numbers
{target}/shuffled_labels | step, shuffle | float64 | share | the score with shuffled labels
{target}/shuffled_weights | step, network | float64 | share | the score with shuffled weights; NaN where there are none
followed/frames | frame with the concept | text | | names
followed/clusters | frame with the concept | int | | near-duplicates share a number
followed/turning | frame with the concept | float64 | -1 to 1, positive left | the steering
followed/position | frame with the concept | float64 | -1 (left edge) to 1 (right edge) | of the concept
{grouping}/names | group of {grouping} | text | | as the labels have them
{grouping}/n | group of {grouping} | int | | frames
{grouping}/independent | group of {grouping} | int | | clusters
{grouping}/correlation | group of {grouping} | float64 | correlation | of turning left with how far left the concept is
{grouping}/interval | group of {grouping}, low and high | float64 | correlation | of it
{grouping}/asked | group of {grouping} | bool | | whether there are enough clusters to be asked about
"""

LABELLED_STACKS = """\
frames | stack | text | | names of the newest frames
original | stack, frame of the stack, row, column | float32 | grey level, 0 to 255 | oldest first
mirrored | stack, frame of the stack, row, column | float32 | grey level, 0 to 255 | oldest first
{concept}/share | stack, row, column | float32 | share, 0 to 1 | of the pixel that is of the concept
{concept}/position | stack | float64 | -1 (left edge) to 1 (right edge) | its mean column; NaN without it
group | stack | text | | the turn
role | stack | text | | of the newest frame
site | stack | text | | frames of one site share their terrain; empty if unknown
biome | stack | text | | the surroundings; empty if unknown
species | stack | text | | of the nearest trunk in view; empty for none
light | stack | text | | by the time of day; empty if unknown
distance | stack | float64 | nodes | from the eye to the nearest trunk; NaN for none
ray_trunks | stack | float64 | tree nodes | that the view ray crosses; NaN if unknown
hud | stack | float64 | | 1 where the hand and the display are drawn, 0 where not; NaN if unknown
"""

EPISODES = """\
places | place | text | | names of the starting places
{agent}/action | place, step | int | | number in the action table
{agent}/distance | place, step | float32 | nodes | to the nearest standing trunk, horizontally; NaN if none is known
{agent}/direction | place, step | float32 | degrees | of it, from where the agent looks, positive to the left
{agent}/on_trunk | place, step | bool | | whether a trunk is under the feet
{agent}/dug | place, step | int | trunks | dug at the step
{agent}/shaped | place, step | float32 | reward | the shaped reward of the step
own/turn | place, step | float32 | -1 to 1 | the steering
own/value | place, step | float32 | reward | the critic's; NaN without one
own/darker | place, step | float32 | levels | mean of the right half of the newest frame less that of the left
own/{held} | place, step | bool | | whether the key was held
{decoys}/heading | place, step of {decoys} | float32 | degrees | from where it first looked, positive to the left
stacks | place, kept step, frame, row, column | uint8 | level, 0 to 255 | what it saw at some steps; may be left out
logits | place, kept step, action | float32 | nats | what it answered, as it was recorded; likewise
"""

PLAY = """\
reason | | text | | where there are no episodes; then it is the only array
places | place | text | | names of the starting places
agents | agent | text | | who played: the policy itself first
compared/{claim} | agent, mean low high | float64 | the claim's | over places, with the interval
distance/{agent} | part of the episode, mean low high | float64 | nodes | to the nearest trunk, over places
followed | group, value mean low high | float64 | reward | the value, and the discounted reward that followed
turned/{to} | group of {to}, place mean low high | float64 | degrees or levels; -1 to 1 | the steering, left positive
"""

_PLACED = """\
bearing | cell | float32 | degrees | of the trunk, from where the agent looks, positive to the left
distance | cell | float32 | nodes | from the eye to the trunk's middle, horizontally
time | cell | float32 | days | of day: 0 midnight, 0.5 noon
leaves | cell | bool | | whether the tree has leaves
kind | cell | text | | of tree; stone is none
ground | cell | text | | the biome whose ground it is
map | cell | bool | | whether the cell belongs to the map of places and not to a sweep over bearings
"""

CELLS = f"""\
stacks | cell, frame, row, column | uint8 | level, 0 to 255 | what the policy sees
{_PLACED}\
turn | cell | float32 | -1 to 1 | the steering
value | cell | float32 | reward | the critic's; NaN without one
"""

FIELD = f"""\
reason | | text | | where there is no field; then it is the only array
{_PLACED}\
turn | cell | float64 | -1 to 1 | the steering, left positive
value | cell | float64 | reward | the critic's; NaN without one
sweep | cell | int | | the number of its sweep; -1 on the map
seen | cell of the first sweep, row, column | uint8 | level, 0 to 255 | the newest frames
night | sweep | bool | | whether it is at night
turns | sweep | float64 | rank correlation | of the steering and the bearing
ahead | sweep | float64 | rank correlation | of the value and minus the size of the bearing
"""

FILM = """\
place | | text | | where it began
step_s | | float32 | seconds | of game time in a step
frames | step, row, column | uint8 | level, 0 to 255 | what the policy saw
action | step | int | | number in the action table
turn | step | float32 | -1 to 1 | the steering
value | step | float32 | reward | the critic's; NaN without one
shaped | step | float32 | reward | the shaped reward of the step
earned | step | float64 | reward | the shaped reward up to and with the step
advantage | step | float64 | reward | the discounted shaped reward from the step on less the value
dug | step | int | trunks | dug at the step
pose | step, x y z yaw pitch | float32 | nodes, degrees | of the feet, and of the look
moments | moment | int | step | the largest advantages of each sign
known | | int | steps | the first of the episode, whose return is known well enough
trees | column of trunks, x z | int | nodes | near the way
"""

REWARD = """\
reason | | text | | where there are no labels or no value; then it is the only array
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
value | frame | float32 | reward | the value
ray | frame | float64 | tree nodes | that the view ray crosses; NaN if unknown
middle | frame | float64 | share | of the picture's middle that is of the concept
area | frame | float64 | share | of the picture that is of the concept
brightness | frame | float64 | level, 0 to 255 | mean
edits/{edit}/before | case of {edit} | float32 | reward | the value before the edit
edits/{edit}/after | case of {edit} | float32 | reward | the value after it
edits/{edit}/clusters | case of {edit} | int | | near-duplicates share a number
correlations/names | correlation | text | | what the value is correlated with
correlations/estimate | correlation | float64 | rank correlation | given brightness, but for brightness itself
correlations/interval | correlation, low and high | float64 | rank correlation | of it
changes/names | edit | text | | those that could be made
changes/estimate | edit | float64 | reward | the value's mean change
changes/interval | edit, low and high | float64 | reward | of it
means/{along} | group of {along}, place mean low high | float64 | nodes or share; reward | mean, by groups
"""

HANDS_ON = """
reason | | text | | why there is nothing to try; then nothing follows the stills and dreams
stills/frames | still | text | | names of frames, from the most left turn to the most right one
stills/turning | still | float64 | as the steering | positive to the left
stills/picture/{number} | ... | uint8 | 0 to 255 | row, column, colour
dreams/name | head | text | | the value and the behaviours both ways
dreams/pictures | head, row, column | float32 | grey level | the dream of the first seed
dreams/control | head, row, column | float32 | grey level | the same of shuffled weights
dreams/control_correlation | head | float64 | correlation | of the two
try/frame | | text | | name of the labelled frame that pieces are moved over
try/donor | | text | | name of the labelled frame that the cut-out is of; left out without one
try/planes | plane, height, width | uint8 | level, 0 to 255 | the frame as the network reads it
try/picture | ... | uint8 | 0 to 255 | the frame as people see it: row, column, colour
try/concept/picture | ... | uint8 | 0 to 255 | the cut-out as people see it: row, column, colours and opacity
try/{piece}/levels | plane, row of {piece}, column of {piece} | float64 | grey level | the piece's
try/{piece}/share | row of {piece}, column of {piece} | float32 float64 | share, 0 to 1 | of each pixel that it covers
try/{piece}/top | | int | row | its first one
try/{piece}/turning | network, place of {piece} | float64 | as the steering | policy, shuffled weights; left is positive
guess/frames | guess | text | | names of the labelled frames to guess on
guess/turning | guess | float64 | as the steering | positive to the left
guess/position | guess | float64 | -1 (left edge) to 1 (right edge) | of the concept
guess/darker | guess | float64 | grey levels | by which the left half is darker
guess/probe | guess | float64 | -1 to 1 | what a linear probe says of the concept's side, positive for left
guess/number | | int | | labelled frames that could have been drawn
guess/{rule}/share | | float64 | share | of those on which the rule names the policy's side
guess/layer | | text | | that the probe reads
guess/picture/{number} | ... | uint8 | 0 to 255 | row, column, colour
"""

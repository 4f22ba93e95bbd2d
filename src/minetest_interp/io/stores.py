"""What every file of arrays in a study's results holds: names, axes, types, units, meaning."""

import re

from minetest_interp.io import tables
from minetest_interp.io.declared import PLACEHOLDERS, Store, breaches
from minetest_interp.io.declared import arrays as _arrays

__all__ = ["PLACEHOLDERS", "STORES", "Store", "breaches", "store_of"]

STORES = (
    Store("stacks.npz", "The study's frames as the network reads them, in every view.", _arrays("""
frames | frame | text | | names
{view} | frame, ... | float32 | level, 0 to 255 | row, column; of recorded stacks and of colours stack, row, column
colours | stack | text | | red, green, blue, where a stack is the colours of one picture; else left out
""")),
    Store("pictures.npz", "The study's frames for people.", _arrays("""
frames | frame | text | | names
pictures | frame, row, column, colour | uint8 | 0 to 255 | of one size, filled up with white
sizes | frame, height and width | int | pixels | of the picture itself
""")),
    Store("readouts.npz", "What the policy puts out on every frame.", _arrays("""
frames | frame | text | | names
{view}/{readout} | frame | float32 | probability, -1 to 1; reward | behaviours, of Q values means less others; the value
""")),
    Store("intermediates/{view}.npz", "What every layer and head computes of the frames in one view.", _arrays("""
frames | frame | text | | names
logits | frame, action | float32 | nats | unnormalised log-probabilities; where the network has an actor
q | frame, action | float32 | reward | expected return after each action; where the network has Q values
value | frame | float32 | reward | the critic's, or the largest Q value
{layer} | frame, ... | float32 | | as the layer is shown; row, column, channel where it has positions
""")),
    Store("gradients/{view}/{objective}.npz", "The gradient of one objective with respect to every layer.", _arrays("""
frames | frame | text | | names
scores | frame | float32 | that of the objective | the objective itself
input | frame, stack, row, column | float32 | per grey level | oldest frame of the stack first
{layer} | frame, ... | float32 | per activation | row, column, channel where it has positions
""")),
    Store("alignment.npz", "How the actor's weights align with the critic's; or why that is not known.", _arrays("""
reason | | text | | where the network lacks one of them; then it is the only array
similarity | action | float32 float64 | cosine | with the critic's weights
random | action | float64 | cosine | with one random vector
labels | action | text | | names of the actions
""")),
    Store("dreams/{dream}.npz", "One dream of the notebook.", _arrays("""
start | ... | float32 | that of the target | what the ascent starts from: [stack, row, column], or the layer's shape
image | ... | float32 | that of the target | what it reaches
scores | step | float32 | that of the objective | before each step, and at the end
energy | row, column | float32 | squared grey levels | blurred squared deviation from the mean
""")),
    Store("evidence/labels.npz", "Labelled frames.", _arrays("""
frames | frame | text | | names
original | frame, ... | float32 | level, 0 to 255 | row, column; of colours colour, row, column
mirrored | frame, ... | float32 | level, 0 to 255 | likewise
{concept}/share | frame, row, column | float32 | share, 0 to 1 | of the pixel that is of the concept
{concept}/position | frame | float64 | -1 (left edge) to 1 (right edge) | its mean column; NaN without it
group | frame | text | | frames of one place, or of one turn; empty for none
role | frame | text | | what the frame is in its group
site | frame | text | | frames of one site share their terrain; empty if unknown
biome | frame | text | | the surroundings; empty if unknown
species | frame | text | | of the nearest trunk in view; empty for none
light | frame | text | | by the time of day; empty if unknown
distance | frame | float64 | nodes | from the eye to the nearest trunk; NaN for none
ray_trunks | frame | float64 | tree nodes | that the view ray crosses; NaN if unknown
hud | frame | float64 | | 1 where the hand and the display are drawn, 0 where not; NaN if unknown
""")),
    Store("evidence/turns.npz", "Labelled real stacks; masks are of the newest frame.",
          _arrays(tables.LABELLED_STACKS)),
    Store("evidence/on_policy.npz", "Stacks that the policy saw in its episodes, labelled; places are the sites.",
          _arrays(tables.LABELLED_STACKS)),
    Store("evidence/behaviour.npz", "The steering, on frames in every form that the claims ask for.", _arrays("""
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
night | frame | bool | | taken at night
difference | frame | float64 | grey levels | mean of the left half less that of the right
labelled/frames | trunk frame | text | | labelled frames that show a trunk
labelled/clusters | trunk frame | int | | near-duplicates share a number
labelled/position | trunk frame | float64 | -1 (left edge) to 1 (right edge) | of the trunk
labelled/{view} | trunk frame | float32 | -1 to 1 | the steering: original, mirrored
night/frames | night frame | text | | the study's and labelled frames taken at night
night/clusters | night frame | int | | near-duplicates share a number
night/{view} | night frame | float32 | -1 to 1 | the steering: original, mirrored
shuffled/jump | network | float64 | share | of the frames on which networks of shuffled weights may jump
{form} | frame | float32 | -1 to 1 | the steering on views and retouched frames; forward; jump
""")),
    Store("evidence/units.npz", "What the channels of the layers that claims name respond to.", _arrays("""
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
layers | asked layer | text | | names of those that are asked about trunks
{layer}/kernel | channel of {layer} | float64 | share | of its energy in its best oriented gradient; first layer
{layer}/template | channel of {layer} | int | | the gradient chosen on the first half; see `edges`; first layer
{layer}/{filter}/first | channel of {layer} | float64 | correlation | with what the first half chose, on it; first layer
{layer}/{filter}/second | channel of {layer} | float64 | correlation | the same on the other half, with its sign
{layer}/shuffled | shuffle | float64 | correlation | of the named kernel with its pixels in random order, second half
labelled/frames | labelled frame | text | | names
labelled/clusters | labelled frame | int | | near-duplicates share a number
found | unit | text | | units that the data name, best first
{layer}/auroc | channel of {layer} | float64 | AUROC | of trunk against none, on all labelled frames
{layer}/first | channel of {layer} | float64 | AUROC | of the first half, turned round below .5
{layer}/second | channel of {layer} | float64 | AUROC | of the second half in the first half's direction
{layer}/iou | channel of {layer} | float64 | share | intersection over union with the masks, second half
{layer}/iou_chance | channel of {layer} | float64 | share | the same with shifted masks, mean
{layer}/p | channel of {layer} | float64 | probability | against shifted masks
{layer}/q | channel of {layer} | float64 | probability | corrected for all channels
{layer}/null | quantile, channel of {layer} | float64 | AUROC | with shifted masks: 2.5 %, median, 97.5 %
{layer}/brightness/{half} | | float64 | AUROC | of the receptive field's mean grey level: auroc, first, second
{layer}/positives | | int | | places of the second half with trunk
{layer}/negatives | | int | | places of the second half without any
{layer}/rectified | channel of {layer} | float64 | AUROC | of what the channel passes on
{layer}/counts | with and without, count | int | | places, frames and independent frames of the second half
{layer}/held_in | mean low high | float64 | AUROC | of the named channel on the first half; NaN for none
""")),
    Store("evidence/causal.npz", "What replacing, patching and steering channels does to the readouts.", _arrays("""
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
quantities | readout | text | | names of the readouts
{replacement}/{layer}/size | channel of {layer}, readout | float32 | the readout's | mean absolute change
{replacement}/{layer}/change | channel of {layer}, readout | float32 | the readout's | mean change
{replacement}/{layer}/interval | readout, low and high | float64 | the readout's | of the size, for the named channel
zero/{layer}/steering | frame, channel of {layer} | float32 | -2 to 2 | absolute change of the steering
patch/{layer}/share | channel of {layer} | float32 | share | of the mirrored steering carried over
gradient/{layer}/sides | frame, channel of {layer} | float32 | per activation | of turning left, left half less right
gradient/{layer}/shuffled | network, channel of {layer} | float64 | share | of frames, positive, with shuffled weights
trunk/{layer} | channel of {layer} | float64 | AUROC less .5 | size, after the ReLU
activity/{layer} | mean and deviation, channel of {layer} | float64 | activation | of what the channel passes on
dose/frames | tested frame | text | | labelled frames on which vectors were added
dose/clusters | tested frame | int | | near-duplicates share a number
dose/strengths | strength | float64 | | times the vector
dose/vector | row, column, channel | float32 | activation | of the last named layer: what trunks on the left add
dose/change | strength, readout | float32 | the readout's | mean change
dose/interval | strength, readout, low and high | float64 | the readout's | of the change
dose/random | direction, strength, readout | float32 | the readout's | the same for random directions
dose/brightness | strength, readout | float32 | the readout's | for a direction of brightness as long
dose/orthogonal | strength, readout | float32 | the readout's | for the vector's part orthogonal to brightness
""")),
    Store("evidence/pairs.npz", "Frames that differ in one thing.", _arrays("""
{contrast}/turning | pair of {contrast}, of the pair | float32 | -1 to 1, positive left | the steering on both
{contrast}/shuffled | pair of {contrast}, network, of the pair | float32 | -1 to 1, positive left | of shuffled weights
{contrast}/value | pair of {contrast}, of the pair | float32 | reward | the value on both
{contrast}/mirrored | pair of {contrast}, of the pair | float32 | -1 to 1, positive left | the steering in a mirror
{contrast}/control | pair of {contrast} | float32 | -1 to 1, positive left | with the same change half a picture aside
{contrast}/position | pair of {contrast} | float64 | -1 (left edge) to 1 (right edge) | of the trunk that goes
{contrast}/moved | pair of {contrast} | float64 | half picture widths | how far to the right the trunk went
{contrast}/frames | pair of {contrast}, frame of {contrast} | text | | names
{contrast}/clusters | pair of {contrast} | int | | near-duplicates share a number
""")),
    Store("evidence/darkness.npz", "Bars pasted left and right, and what is taken from the concept.", _arrays("""
bars/frames | frame without it | text | | names of the labelled frames that show nothing of the concept
bars/clusters | frame without it | int | | near-duplicates share a number
bars/kinds | kind of bar | text | | names; a dose with its darkness
bars/turned | kind of bar, frame without it | float64 | -1 to 1 | half of turning left with the bar left less right
bars/interval | kind of bar, low and high | float64 | -1 to 1 | of the mean over the frames; NaN where there is none
bars/doses | dose | float64 | share of the scene's luminance | that the bar lacks
bars/pasted | kind of pasted bar | text | | names of the kinds that are pasted at every width and place
bars/widths | width | float64 | share of the picture's width | of these bars
bars/offsets | offset | float64 | half picture widths | from the middle to these bars
bars/places | kind of pasted bar, width, offset, frame without it | float64 | -1 to 1 | as turned
bars/place_interval | kind of pasted bar, width, low and high | float64 | -1 to 1 | of the mean over offsets and frames
bars/example | kind of bar, side, plane, row, column | float32 | grey level, 0 to 255 | a frame with the bar, each side
edits/frames | frame with it | text | | names of the labelled frames that show the concept
edits/clusters | frame with it | int | | near-duplicates share a number
edits/position | frame with it | float64 | -1 (left edge) to 1 (right edge) | of the concept
edits/luminance | half, frame with it | float64 | grey level, 0 to 255 | mean of the left half and of the right half
edits/kinds | edit | text | | names; as it is: none
edits/turned | edit, frame with it | float64 | -1 to 1, positive left | the steering after the edit
edits/example | edit, plane, row, column | float32 | grey level, 0 to 255 | one frame after each edit
""")),
    Store("evidence/dream_controls.npz", "Dreams of the value, left and right; of shuffled weights too.", _arrays("""
seeds | seed | int | |
{side}/{policy}/middle_left | seed | float64 | share | of the contrast in the second quarter
{side}/{policy}/edges | seed | float64 | share | of the contrast in the outer quarters
{side}/{policy}/repetition | seed | float64 | correlation | highest autocorrelation between the lags
{side}/{policy}/off_stride | seed | float64 | correlation | the same at lags that are off the network's stride
{side}/{policy}/contrast | row, column | float64 | share of the contrast | mean over the seeds
{side}/{policy}/example | row, column | float32 | grey level, 0 to 255 | the first seed's newest frame
""")),
    Store("evidence/heads.npz", "Cosines of actor and critic; or why there are none.", _arrays("""
reason | | text | | where the network lacks one of them; then it is the only array
labels | action | text | | names of the actions
cosines | action | float64 | cosine | of the action's own weights, less all actions' mean, with the critic's
observed | | float64 | cosine | mean absolute one
null | permutation | float64 | cosine | the same with the critic's weights in random order
""")),
    Store("evidence/features.npz", "What channels of the first two layers with positions follow.", _arrays("""
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
first | | text | | the layer that is asked about light and darkness; empty for none
second | | text | | the layer that is asked the rest; empty for none
light/chosen | light and dark | int | | channels of the first layer that one half of the frames chose
light/brightness | channel of the first | float64 | correlation | with the field's mean grey level, other half
light/gradient | channel of the first | float64 | correlation | largest size with an oriented gradient, other half
light/shuffled | light and dark, network, brightness and gradient | float64 | correlation | of shuffled weights' two
bright/shuffled | network | float64 | share | of channels that follow or invert brightness, with shuffled weights
labelled/frames | labelled frame | text | | names
labelled/clusters | labelled frame | int | | near-duplicates share a number
features | feature | text | | of the fixed basis
explained/channels | varying channel | int | | those of the second layer that vary; explained are they
explained/brightness | varying channel | float64 | share | of the variance, by brightness alone, held-out half
explained/sign | varying channel | int | | of the correlation with brightness on the other half
explained/basis | varying channel | float64 | share | of the variance, by the whole basis, held-out half
explained/least | | float64 | share | from which a channel counts as explained
auroc/channels | channel of the second | float64 | AUROC | for the concept, held-out half, in the first half's direction
auroc/on | channel of the second | bool | | whether the concept switches it on
auroc/brightness | | float64 | AUROC | of the field's mean grey level
auroc/least | | float64 | AUROC | above which a channel detects the concept
bases | basis | text | | units, random, nmf, dictionary
concepts | concept | text | | that the labels name
bases/auroc | basis, concept | float64 | AUROC | of the best unit or direction, held-out half; mean of random bases
sparsity/{basis} | direction of {basis} | float64 | | lifetime sparseness, held-out half
""")),
    Store("evidence/attribution.npz", "Maps of every readout by every method, and how far to trust them.", _arrays("""
frames | frame | text | | names
clusters | frame | int | | near-duplicates share a number
methods | method | text | | names
objectives | readout | text | | names
judged | judged | text | | the readouts by which methods are judged
replacements | replacement | text | | what a removed pixel shows
cascade | stage | text | | the order in which weights are shuffled
failures | condition | text | | what can fail
failed | method, condition | bool | | which do
verdicts | method | text | | the same in words
checked_frames | checked frame | text | | those on which sensitivity and randomisation are measured
maps | method, judged, map, stack, row, column | float32 | the readout's, or per grey level | examples
maps_frames | map | text | | their frames
completeness_median | method, readout | float64 | share | relative error, median; NaN for methods that claim none
frame/completeness | frame, method, readout | float64 | share | relative error
frame/deletion | frame, method, judged, replacement | float32 | the readout's | mean change as pixels go
frame/insertion | frame, method, judged, replacement | float32 | the readout's | mean change as they come back
frame/random_deletion | frame, judged, replacement | float32 | the readout's | by random maps
frame/random_insertion | frame, judged, replacement | float32 | the readout's | by random maps
frame/scores | frame, readout | float32 | the readout's | the readouts
frame/sensitivity | checked frame, method, judged | float64 | share | largest relative change under perturbation
frame/randomisation | checked frame, method, judged, stage | float64 | correlation | with maps of shuffled weights
mean/deletion_above_random | mean low high, method, judged, replacement | float64 | the readout's | beyond random maps
mean/insertion_below_random | mean low high, method, judged, replacement | float64 | the readout's | beyond random maps
mean/sensitivity | mean low high, method, judged | float64 | share | over the frames
mean/randomisation | mean low high, method, judged, stage | float64 | correlation | over the frames
channels/{layer} | readout, channel of {layer} | float32 | the readout's | gradient times activation, mean
channels/{layer}/size | readout, channel of {layer} | float32 | the readout's | its mean absolute value
""" + tables.MASKS)),
    Store("evidence/circuits.npz", "The steering's drive and the value, by channel, path and factor.", _arrays("""
reason | | text | | where they cannot be taken apart; then there are only those whose names begin with kept
frames | frame | text | | names
readouts | readout | text | | names
channels/mean | readout, channel and bias | float32 | the readout's | what each channel before adds, the biases last
channels/strength | readout, channel and bias | float32 | the readout's | its mean absolute value
channels/variance_share | readout, channel and bias | float64 | share | of the readout's variance over frames
values | frame, readout | float32 | nats; reward | the readouts
paths/units | readout, path, channel and hidden unit | int | | the strongest paths
paths/strength | readout, path | float64 | the readout's | mean absolute value
paths/flow | readout, path | float64 | activation | what the channel adds to the hidden unit
paths/weight | readout, path | float32 | the readout's per activation | of the hidden unit
paths/share | readout | float64 | share | of the strength of all paths
paths/static_correlation | readout | float64 | correlation | of what the weights alone foretell
{layer}/factors | factor of {layer}, channel of {layer} | float32 | | directions of unit length
{layer}/exemplars | factor of {layer}, exemplar | int | | numbers of frames
{layer}/positions | factor of {layer}, exemplar, row and column | int | position | where the factor is strongest
{layer}/boxes | factor of {layer}, exemplar, top left height width | int | pixels | receptive fields
{layer}/attribution | readout, factor and residual of {layer} | float32 | the readout's | mean absolute value
{layer}/variance_share | readout, factor and residual of {layer} | float64 | share | of the variance
""" + tables.KEPT)),
    Store("atlas.npz", "A dream, its control and its scores for every unit; or why there is none.", _arrays("""
reason | | text | | where the frames are too few; then it is the only array
unit | unit | int | | its number
name | unit | text | |
layer | unit | text | |
pictures | unit, seed, row, column | float32 | grey level, 0 to 255 | dreams
control | unit, seed, row, column | float32 | grey level, 0 to 255 | dreams of shuffled weights
box | unit, top left height width | int | pixels | receptive field
patch_frame | unit, patch | int | | frames that excite the unit most
patch_top | unit, patch | int | pixels |
patch_left | unit, patch | int | pixels |
patch_activation | unit, patch | float32 | activation |
histogram | unit, bin | int | | positions on natural frames
edges | unit, edge | float32 | activation | of the bins
active | unit | float64 | share | of positions above zero
flag | unit | text | | dead or saturated, or empty
constant | unit | bool | | the unit does not vary over the frames
natural_mean | unit | float32 | activation |
natural_sd | unit | float32 | activation |
{layer}/directions | direction of {layer}, channel of {layer} | float32 | | of unit length
frames | judged frame | text | | frames that the scores rest on
path_layers | middle and last | text | | the layers of the path scores; that of FD is the first
affine_layer | | text | | the layer whose dreams are in closed form, or empty
mean | row, column | float32 | grey level, 0 to 255 | of the frames that the prior was fitted to
{score}_real | unit | float64 | see [the scores](#scores) | what real frames reach
{score} | unit | float64 | see [the scores](#scores) | the dream's; ..._control: of shuffled weights
""")),
    Store("recipes.npz", "Ways to dream, compared; or why they are not.", _arrays("""
reason | | text | | where the frames are too few; then it is the only array
recipes | recipe | text | | names
units | unit | text | | names
seeds | seed | int | |
measured | measured unit | text | | units over which means are taken
path_layers | middle and last | text | | the layers of the path scores; that of FD is the first
gallery | shown unit | text | | units for the eye
boxes | unit, top left height width | int | pixels | receptive fields
real | unit, seed, row, column | float32 | grey level, 0 to 255 | the best real frames
frames/{recipe} | unit, seed, stack, row, column | float32 | grey level, 0 to 255 | where the stack's frames differ
control_frames/{recipe} | unit, seed, stack, row, column | float32 | grey level | of shuffled weights
pictures | recipe, unit, seed, row, column | float32 | grey level, 0 to 255 | dreams, the newest frame
controls | recipe, unit, seed, row, column | float32 | grey level, 0 to 255 | dreams of shuffled weights
bases | recipe, unit, row, column | float32 | grey level, 0 to 255 | what is shown before the ascent
control_bases | recipe, unit, row, column | float32 | grey level, 0 to 255 | the same of shuffled weights
{score}_real | unit | float64 | see [the scores](#scores) | what real frames reach
{score} | recipe, unit | float64 | see [the scores](#scores) | mean over seeds; ..._control: shuffled weights'
""")),
    Store("series.npz", "The checkpoints of a series side by side.", _arrays("""
quantiles/{readout} | member, quantile | float64 | the readout's | over frames: 5 %, median, 95 %
similarity | member, member | float64 | correlation | of two members' steering over frames
{layer}/steering | member, channel of {layer} | float32 | | mean absolute change of the steering when set to zero
{layer}/trunk | member, channel of {layer} | float64 | AUROC less .5 | for trunk
{layer}/{effect}/similarity | member, member | float64 | rank correlation | of two members' channels
""")),
    Store("hands_on.npz", "What readers of the article see and try; or why there is nothing to try.",
          _arrays(tables.HANDS_ON)),
    Store("evidence/probes.npz", "What linear probes decode from layers; the turning in groups of frames.",
          _arrays(tables.PROBES)),
    Store("evidence/reward.npz", "The value beside what the shaped reward pays, and after single edits.",
          _arrays(tables.REWARD)),
    Store("evidence/episodes.npz", "Whole episodes of the real game, of the policy and of agents that see nothing.",
          _arrays(tables.EPISODES)),
    Store("evidence/play.npz", "What agents do in whole episodes.", _arrays(tables.PLAY)),
    Store("evidence/cells.npz", "What the policy sees and does in every cell of a field.", _arrays(tables.CELLS)),
    Store("evidence/field.npz", "What the policy does around one tree on a plain.", _arrays(tables.FIELD)),
    Store("film.npz", "The episode of the film, step by step.", _arrays(tables.FILM)),
)  # fmt: skip


def store_of(path: str) -> Store | None:
    """The store that a file below results/<study>/ is of; the same measurement of real stacks is one."""
    path = re.sub("^evidence/(turns|on_policy)/", "evidence/", path)
    for store in STORES:
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(store.path)), path):
            return store
    return None

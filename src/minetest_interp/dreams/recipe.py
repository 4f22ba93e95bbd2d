"""One way to dream, from its settings: the notebook's ascent of raw pixels, or an ascent of a parametrised image."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from minetest_interp.dreams import ascent, parametrisations
from minetest_interp.dreams.ascent import Method
from minetest_interp.dreams.parametrisations import Image, Prior
from minetest_interp.io.errors import InputError
from minetest_interp.model.policy import Sizes

STARTS = ("noise", "best frame")


class NotebookRecipe(NamedTuple):
    """The notebook's ascent: plain gradient steps of length `lr` on raw grey levels, the objective in its own units.

    The T frames of the stack are ascended as they are.
    """

    name: str
    steps: int = 500
    lr: float = 1e3


class ImageRecipe(NamedTuple):
    """An ascent of a parametrised image.

    start: "noise", or "best frame" of the fitted ones, to which the penalty then holds the picture (accentuation).
    margin: form "target" only, natural standard deviations above the best fitted frame.
    """

    name: str
    image: Image
    method: Method
    start: str = "noise"
    margin: float = 0.5

    @property
    def steps(self) -> int:
        return self.method.steps


Recipe = NotebookRecipe | ImageRecipe


def read_recipe(name: str, settings: Mapping, prior: Prior, geometry: Sizes) -> Recipe:
    """A recipe from its settings: `kind`, and what that kind takes.

    Kind "notebook" takes `steps` and `lr`. The kinds of image take those of `Method`, `frames` and `motion` of
    the image, `start` and `margin` of the recipe, and "fourier" its `decay`. Only the frame prior's parameters are
    standard normal numbers, so only there does `strength` default to other than 0.

    Raises:
      InputError: an unknown kind, key or start, or a setting that is not a number where it must be.
    """
    settings = dict(settings)
    kind = settings.pop("kind", None)
    if kind == "notebook":
        _check_keys(name, kind, settings, ("steps", "lr"))
        return NotebookRecipe(name, **_numbers(name, settings))
    if kind not in parametrisations.KINDS:
        raise InputError(
            f"recipe {name!r}: `kind` must be one of notebook, {', '.join(parametrisations.KINDS)}; got {kind!r}."
        )
    of_image = ("frames", "motion", *(("decay",) if kind == "fourier" else ()))
    _check_keys(name, kind, settings, (*Method._fields, *of_image, "start", "margin"))
    words = {key: settings.pop(key) for key in ("frames", "form", "start") if key in settings}
    numbers = _numbers(name, settings)
    start, margin = words.pop("start", "noise"), numbers.pop("margin", 0.5)
    if start not in STARTS:
        raise InputError(f"recipe {name!r}: `start` must be one of {', '.join(STARTS)}; got {start!r}.")
    both = words | numbers
    image = _image(kind, {key: value for key, value in both.items() if key in of_image}, prior, geometry)
    defaults = {} if kind == "frame prior" else {"strength": 0.0}
    of_method = {key: value for key, value in both.items() if key in Method._fields}
    if of_method.get("form", "penalty") not in ascent.FORMS:
        raise InputError(
            f"recipe {name!r}: `form` must be one of {', '.join(ascent.FORMS)}; got {of_method['form']!r}."
        )
    return ImageRecipe(name, image, Method(**defaults | of_method), start, margin)


def _image(kind: str, settings: Mapping, prior: Prior, geometry: Sizes) -> Image:
    match kind:
        case "pixels":
            return parametrisations.pixels(geometry, **settings)
        case "fourier":
            return parametrisations.fourier(geometry, **settings)
        case "frame prior":
            return parametrisations.frame_prior(prior, geometry, **settings)
    return parametrisations.maco(prior, geometry, **settings)


def _check_keys(name: str, kind: str, settings: Mapping, known: Sequence[str]) -> None:
    unknown = [key for key in settings if key not in known]
    if unknown:
        raise InputError(
            f"recipe {name!r} of kind {kind!r} takes {', '.join(known)}; got {', '.join(map(repr, unknown))}."
        )


def _numbers(name: str, settings: Mapping) -> dict:
    for key, value in settings.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"recipe {name!r}: `{key}` must be a number; got {value!r}.")
    return dict(settings)

"""How every panel looks: sizes in inches as printed, text in points, colours named for what they mean.

Nothing here changes global state: `with matplotlib.rc_context(style.panel()): ...`
"""

import functools
import textwrap
import unicodedata
from typing import TypeVar

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure, FigureBase
from matplotlib.image import AxesImage
from matplotlib.text import Text

T = TypeVar("T")

# A phone's is 350 CSS pixels.
WIDTH_INCHES = {"page": 6.75, "phone": 350 / 96}
LEAST = 8.25  # points on a phone: 11 CSS pixels
DPI = 200
THUMBNAIL = 96  # pixels, of a frame that is one of many
FONT = "DejaVu Sans"  # comes with Matplotlib, so every machine has it

# The two ends of RdBu_r, which stays readable for colour-blind readers.
POSITIVE, NEGATIVE = "#B2182B", "#2166AC"
OBSERVED, NULL, CONTROL = "#0072B2", "#222222", "#E69F00"
LEVELS = ("#E69F00", "#56B4E9", "#332288", "#AA4499", "#117733", "#DDCC77")  # of a factor, beside a base in ink
ORIGINAL, MIRRORED = "#444444", "#E69F00"
INK, FAINT = "#222222", "#BBBBBB"
# A symbol and a colour for each verdict; the words stand beside them. report/style.css has the same for the pages.
VERDICTS = {
    "supported": ("●", "#1C73A4"),
    "partly": ("◐", "#946000"),
    "contradicted": ("✕", "#7A0012"),
    "no effect that matters": ("○", "#6A1BE0"),
    "cannot tell": ("?", "#5A5A5A"),
}
# What people call the functions between layers.
FUNCTIONS = {"relu": "ReLU", "tanh": "tanh", "silu": "SiLU"}
MASK = ListedColormap(["#EEEEEE", POSITIVE])


def panel(width: str = "page") -> dict[str, object]:
    """rcParams for every panel; `width` is "page" or "phone"."""
    size = {"page": 8, "phone": LEAST}[width]
    return {
        "figure.figsize": (WIDTH_INCHES[width], WIDTH_INCHES[width]),
        "figure.dpi": DPI,
        "savefig.dpi": DPI,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "font.family": [FONT],
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size,
        "ytick.labelsize": size,
        "legend.fontsize": size,
        "legend.frameon": False,
        "axes.linewidth": 0.6,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "axes.unicode_minus": True,
        "svg.fonttype": "path",
        "svg.hashsalt": "minetest_interp",
    }


def on_phone() -> bool:
    """Whether the panel is being drawn for a phone."""
    return matplotlib.rcParams["figure.figsize"][0] == WIDTH_INCHES["phone"]


def either(page: T, phone: T) -> T:
    """What a panel does otherwise on a phone: numbers of columns, proportions, words."""
    return phone if on_phone() else page


def width() -> float:
    """The panel's width in inches."""
    return WIDTH_INCHES[either("page", "phone")]


def small(points: float) -> float:
    """The size of small text, in points: on a phone no text is small."""
    return either(points, LEAST)


def figure(*, aspect: float = 0.62, phone: float | None = None) -> Figure:
    """An empty figure that leaves space for its labels; `aspect` is height over width, `phone` the same on a phone."""
    inches = width()
    return Figure(figsize=(inches, inches * either(aspect, phone or aspect)), layout="constrained")


def grid(parent: FigureBase, rows: int, columns: int, *, phone: int = 1, **options) -> np.ndarray:
    """Axes in rows and columns, `[rows, columns]`; on a phone the same in rows of `phone`, in the same order.

    Args:
      options: of `subplots`; ratios of widths and heights hold on a page alone.
    """
    if not on_phone():
        return parent.subplots(rows, columns, squeeze=False, **options)
    shared = {name: option for name, option in options.items() if not name.endswith("_ratios")}
    count = rows * columns
    made = parent.subplots(-(-count // phone), phone, squeeze=False, **shared).ravel()
    for spare in made[count:]:
        spare.axis("off")
    return made[:count].reshape(rows, columns)


def fit_labels(drawn: Figure) -> None:
    """Breaks titles and axis labels of a phone's panel into lines where they are longer than there is space."""
    layout = drawn.get_layout_engine()
    for _ in range(2):  # lines take space from what they name
        if layout and drawn.axes:
            layout.execute(drawn)
        for ax in drawn.axes:
            box, across = ax.get_window_extent(), drawn.bbox.width
            columns = ax.get_subplotspec().get_gridspec().ncols if ax.get_subplotspec() else 1
            free = across if columns == 1 else max(box.width, 0.96 * across / columns)
            beside = 2 * min((box.x0 + box.x1) / 2, across - (box.x0 + box.x1) / 2)
            for text, space in (
                (ax.title, min(free, beside)),
                (ax._left_title, across - box.x0),
                (ax.xaxis.label, min(free, beside)),
                (ax.yaxis.label, 1.15 * box.height),
            ):
                _break(text, space - 4)


def _break(text: Text, space: float) -> None:
    upright = text.get_rotation() == 90
    extent = text.get_window_extent()
    length = extent.height if upright else extent.width
    if length > space > 0:
        lines = text.get_text().split("\n")
        limit = max(6, int(max(map(len, lines)) * space / length))
        text.set_text("\n".join(part for line in lines for part in textwrap.wrap(line, limit, break_long_words=False)))


def words(text: str) -> Figure:
    """A figure that only says something, in lines that fit a page's width."""
    lines = textwrap.wrap(text, either(90, 48))
    drawn = figure(aspect=either(0.05, 0.09) * (len(lines) + 1))
    drawn.text(0.5, 0.5, "\n".join(lines), ha="center", va="center")
    return drawn


def wrapped(text: str, columns: int = 50) -> str:
    """Words for a phone in lines of so many characters; those for a page as they are."""
    return "\n".join(textwrap.wrap(text, columns)) if on_phone() else text


def say(ax: Axes, text: str) -> None:
    """Axes that only say something."""
    ax.axis("off")
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)


def centred(values: np.ndarray) -> dict[str, object]:
    """Colour limits with zero in the middle, so that equal strength looks equal on both sides."""
    limit = float(np.abs(values).max()) or 1.0
    return {"vmin": -limit, "vmax": limit, "cmap": "RdBu_r"}


def plain(text: str, *, limit: int = 40) -> str:
    """Foreign text, such as a frame's name, made safe to draw.

    Dollar signs do not start a formula, characters that the font lacks become squares, and text longer than
    `limit` loses its middle (file names tend to differ at the end).
    """
    text = "".join(_drawable(character) for character in str(text))
    if len(text) > limit:
        head = (limit - 1) // 3
        text = f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
    return text.replace("$", r"\$")


def signed(value: float, *, digits: int = 4) -> str:
    """A number with its sign, always: +0.7286, −0.8750."""
    return f"{value:+.{digits}f}".replace("-", "−")


def show_grey(ax: Axes, frame: np.ndarray) -> AxesImage:
    """A grey frame `[H, W]` on the fixed scale, black 0 to white 255, without axes."""
    image = ax.imshow(frame, cmap="gray", vmin=0, vmax=255, interpolation="none")
    ax.set(xticks=[], yticks=[])
    return image


def show_frame(ax: Axes, frame: np.ndarray, *, bar: bool = False) -> None:
    """A frame as the network reads it, grey `[H, W]` or colours `[H, W, 3]`, 0 to 255; the grey perhaps with a bar."""
    if frame.ndim == 2:
        image = show_grey(ax, frame)
        if bar:
            colour_bar(ax, image, "grey level", ticks=[0, 128, 255])
        return
    ax.imshow(frame / 255, interpolation="none")
    ax.set(xticks=[], yticks=[])


def show_map(ax: Axes, values: np.ndarray, *, row: str = "row", column: str = "column", **colours) -> AxesImage:
    """An array `[h, w]` with its first and last row and column numbered."""
    image = ax.imshow(values, interpolation="none", **colours)
    height, width = values.shape
    ax.set(xticks=sorted({0, width - 1}), yticks=sorted({0, height - 1}))
    ax.set_xlabel(column, labelpad=-6 if width > 1 else 0)
    ax.set_ylabel(row, labelpad=-6 if height > 1 else 0)
    return image


def turn_arrow(ax: Axes, turning: float) -> None:
    """An arrow on a picture: straight up for straight on, to the left for a turn of +1, to the right for −1."""
    angle = np.pi / 2 * (1 + np.clip(turning, -1, 1))
    along = 0.3 * np.array([np.cos(angle), np.sin(angle)])
    ax.annotate(
        "",
        xy=(0.5 + along[0], 0.12 + along[1]),
        xytext=(0.5, 0.12),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "simple", "facecolor": "white", "edgecolor": INK, "linewidth": 0.8},
    )


def side_words(turning: float) -> str:
    """Which way a turn goes, positive to the left, and how strongly."""
    side = "left" if turning > 0 else "right" if turning < 0 else "straight"
    return f"{side} {abs(turning):.2f}"


def left_on_the_left(ax: Axes, positive: str) -> None:
    """Turns an axis of a behaviour, or of places with its sign, so that what is left is drawn on the left.

    Args:
      positive: the side to which the behaviour is positive, "left" or "right".
    """
    if positive == "left":
        ax.invert_xaxis()


def colour_bar(ax: Axes, image: AxesImage, label: str, **options) -> Colorbar:
    """A bar as high as the image, on its right."""
    bar = ax.figure.colorbar(image, cax=ax.inset_axes([1.05, 0, 0.055, 1]), **options)
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)
    return bar


def _drawable(character: str) -> str:
    if unicodedata.category(character)[0] in "CZ":  # controls, lone surrogates, line breaks, odd spaces
        return " "
    return character if _font().get_char_index(ord(character)) else "□"


@functools.cache
def _font():
    return font_manager.get_font(font_manager.findfont(FONT))

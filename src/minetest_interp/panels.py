"""The panels that a study may draw: a record of each in `figures/panels.yaml`, which explains its keys."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from minetest_interp.io import yaml_files
from minetest_interp.io.errors import InputError


class Panel(NamedTuple):
    """One record, with the keys of `figures/panels.yaml`; `section` is None where it has none."""

    name: str
    shows: str
    script: str
    reads: tuple[str, ...]
    chart: bool = False
    post: bool = False
    section: str | None = None
    options: Mapping[str, Mapping] = {}
    optional: tuple[str, ...] = ()
    defaults: Mapping[str, str] = {}
    given: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    formerly: Sequence[str] = ()

    @property
    def required(self) -> list[str]:
        """The options that a study must give."""
        return [name for name in self.options if name not in (*self.optional, *self.defaults)]

    @property
    def shown(self) -> str:
        """The name of the file that pages show: a chart's is an SVG, which takes their colours."""
        return f"{self.name}.{'svg' if self.chart else 'png'}"

    def settings(self, own: Mapping, study: Mapping) -> dict:
        """What the script is given.

        Args:
          own: the study's settings of the panel. study: everything that a record may name under `given`.
        """
        return {**self.defaults, **own, **{name: study[name] for name in self.given}}

    def files(self, results: Path, settings: Mapping) -> list[Path]:
        """The results that the script reads with these settings."""
        return [results / pattern.format_map(settings) for pattern in self.reads]

    def facts(self, settings: Mapping) -> list[str]:
        """Where in the facts the numbers are that the panel draws with these settings."""
        return [pattern.format_map({"panel": self.name, **settings}) for pattern in self.numbers]

    def references(self, own: Mapping) -> Iterator[tuple[str, str, str]]:
        """The names in the study's settings of the panel: option, what it must be a name of, and the name itself."""
        for option, value in own.items():
            schema = self.options[option]
            for name in value if isinstance(value, list) else [value]:
                kind = schema.get("from") or schema.get("items", {}).get("from")
                if kind:
                    yield option, kind, name


def without_settings(panels: Mapping[str, Panel], study: Mapping) -> dict[str, dict]:
    """The panels that a study with these sections can draw without any settings of their own, with none."""
    return {
        name: {}
        for name, panel in panels.items()
        if not panel.required and (panel.section is None or panel.section in study)
    }


def read(path: Path, schema: Path) -> dict[str, Panel]:
    """The records by name, in the order of the file.

    Raises:
      InputError: the file does not fit its schema, or a pattern names a setting that its panel does not have.
    """
    records = yaml_files.read(path, advice="It is a part of the repository; restore it.")
    yaml_files.validate(records, yaml_files.schema(schema), path)
    panels = {name: Panel(name, **record) for name, record in records.items()}
    for name, panel in panels.items():
        try:
            settings = dict.fromkeys([*panel.defaults, *panel.options, *panel.given], "x")
            panel.files(Path(), settings), panel.facts(settings)
        except (KeyError, ValueError, IndexError) as error:
            raise InputError(
                f"{path}: {name}: `reads` and `numbers` must have names of the panel's settings in braces; got {error}."
            ) from None
    return panels


def study_schema(panels: Mapping[str, Panel]) -> dict:
    """The JSON schema of a study's section `panels`, for inside the study's own."""

    def settings(panel: Panel) -> dict:
        return {
            "type": "object",
            "additionalProperties": False,
            "required": panel.required,
            "properties": panel.options,
            "description": panel.shows,
        }

    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: settings(panel) for name, panel in panels.items()},
        "renamed": {old: name for name, panel in panels.items() for old in panel.formerly},
    }

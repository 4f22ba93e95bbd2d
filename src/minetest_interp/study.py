"""A study's YAML file, checked: which policy, which frames, what to compute and which panels to draw.

What a study may name: the folders of `source`, `labels`, `episodes` and `field`, wherever they are; files
inside these, and inside the YAML file's own folder, by relative paths without `..` and by no link that leads out. Where
its files are to be fetched, their folder must lie in `../data`, so that nothing else is ever written over.
"""

import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from minetest_interp import panels
from minetest_interp.io import files, yaml_files
from minetest_interp.io.errors import InputError
from minetest_interp.io.yaml_files import Schema
from minetest_interp.model import captured, checkpoint_names, frame_groups, frames, labels, observations
from minetest_interp.model import episodes as recorded
from minetest_interp.model.actions import ActionSettings, action_table
from minetest_interp.model.labels import LabelSettings
from minetest_interp.panels import Panel


class Study(NamedTuple):
    """name: of the YAML file. settings: its content, with defaults. folder: where the study's files lie.

    actions: the action table, from the study's file or the one that it names. claims: the content of the claims file,
      None without the section `evidence`. label_settings: completed, None without labelled frames.
    module: the Python file of a network of one's own, None without.
    frames: their files in natural order. checksums: path in `folder` to SHA-256, empty where none are stated.
    fetched: whether the files come from `source.repository`; then they may not be there yet.
    labels: folder of the labelled frames, None without. labelled: their pictures and masks, in turn, and their table
      where there is one. turns: whether some of them are real stacks.
    episodes: folder of recorded episodes, None without. played: agent to the file of its own. on_policy: whether
      the policy's own has labelled stacks.
    series: name to file of each checkpoint that is compared, in order; empty where the study has no series.
    panels: every panel that a study may draw, by name. field: the file of a recorded field, None without.
    """

    name: str
    settings: Mapping
    actions: ActionSettings
    claims: Mapping | None
    label_settings: LabelSettings | None
    module: Path | None
    folder: Path
    frames: tuple[Path, ...]
    checksums: Mapping[str, str]
    fetched: bool
    labels: Path | None
    labelled: tuple[Path, ...]
    turns: bool
    episodes: Path | None
    played: Mapping[str, Path]
    on_policy: bool
    series: Mapping[str, Path]
    panels: Mapping[str, Panel]
    field: Path | None

    @property
    def checkpoint(self) -> Path:
        return self.folder / self.settings["policy"]["checkpoint"]

    @property
    def film(self) -> recorded.FilmFiles | None:
        """What the film of one of the policy's episodes is made of, None where there is no film."""
        return recorded.find_film(self.played["own"]) if "own" in self.played else None

    @property
    def answers(self) -> Path | None:
        """Recorded answers that the policy must give, None where the study names none."""
        name = self.settings["policy"].get("check")
        return None if name is None else self.folder / name

    @property
    def policy(self) -> dict:
        """How the checkpoint is read: the settings of the policy but for the files' own names."""
        return {key: value for key, value in self.config["policy"].items() if key not in ("checkpoint", "check")}

    @property
    def repositories(self) -> list[str]:
        """Where the study's files were published, in the order in which they are asked; empty where they were not."""
        given = self.settings["source"].get("repository", [])
        return [given] if isinstance(given, str) else list(given)

    @property
    def config(self) -> dict:
        """The settings in one map, with what they leave to other files and to defaults filled in."""
        config = {**self.settings, "actions": self.actions}
        if self.module is not None:
            config["policy"] = {**self.settings["policy"], "module": str(self.module)}
        if self.claims is not None:
            config["evidence"] = {**self.settings["evidence"], "claims": self.claims}
        if self.label_settings is not None:
            config["labels"] = self.label_settings
        return config


def locate(name: str, folder: Path) -> Path:
    """A study's YAML file: `name` if that is the path of one, else the file of that name in `folder`."""
    return Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"


def load(path: Path, schema: Path, *, data: Path | None = None, probe: Path | None = None) -> Study:
    """Reads a study and checks everything that can be checked before anything runs.

    Args:
      schema: of a study, in a checkout: the other schemas are beside it, the panels in `figures/panels.yaml`.
      data: a local copy of the study's files, instead of `source.folder`.
      probe: a folder of labelled frames, instead of `labels.folder`.

    Raises:
      InputError: the YAML file, or a file that it names, is not as it must be.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", path.stem):
        raise InputError(
            f"{path}: a study's name must be letters, digits, - and _; got {path.stem!r}. Rename the file."
        )
    known_panels, of_study = _read_schema(schema)
    settings = yaml_files.read(path, advice=_known_studies(path))
    yaml_files.validate(settings, of_study, path)
    settings = {"dreams": {}, "gradients": {}, "panels": panels.without_settings(known_panels, settings), **settings}
    actions = _read_actions(settings, path, of_study)
    claims = _read_claims(settings, actions, path, schema, known_panels)
    _check_references(settings, actions, known_panels, path)

    source = settings["source"]
    folder = data or path.parent / source["folder"]
    fetched = data is None and "repository" in source
    if fetched:
        _check_data_folder(folder, path)
    checksums = {}
    if "checksums" in source:
        listing = files.inside(path.parent, source["checksums"], key=f"{path}: `source.checksums`")
        checksums = files.read_checksums(listing, folder)
    policy = settings["policy"]
    for key in ("checkpoint", "check"):
        if key in policy:
            files.inside(folder, policy[key], key=f"{path}: `policy.{key}`")
    module = files.inside(path.parent, policy["module"], key=f"{path}: `policy.module`") if "module" in policy else None
    pattern = settings["frames"]["files"]
    if fetched:
        named = _fetched(folder, checksums, pattern, key=f"{path}: `frames.files`")
        found = sorted(named, key=lambda file: frames.natural_key(file.stem))
    else:
        found = frames.find(folder, pattern)
    series = {}
    if "series" in settings:
        patterns, key = settings["series"]["checkpoints"], f"{path}: `series.checkpoints`"
        listed = {each: _listed(folder, each, checksums if fetched else None, key=key) for each in patterns}
        series = checkpoint_names.find(listed, along=settings["series"].get("along"))
    label_settings = labels.settings(settings.get("labels", {})) if probe or "labels" in settings else None
    label_folder, labelled, turns = _find_labels(label_settings, path, probe)
    played = _find_recorded(settings.get("episodes", {}), path, "episodes")
    grey = not settings["frames"].get("colour", False)
    study = Study(
        name=path.stem,
        settings=settings,
        actions=actions,
        claims=claims,
        label_settings=label_settings,
        module=module,
        folder=folder,
        frames=tuple(found),
        checksums=checksums,
        fetched=fetched,
        labels=label_folder,
        labelled=labelled,
        episodes=path.parent / settings["episodes"]["folder"] if "episodes" in settings else None,
        played=played,
        on_policy=grey and "own" in played and recorded.has_labels(played["own"]),
        turns=grey and turns,
        series=series,
        panels=known_panels,
        field=_find_recorded(settings.get("field", {}), path, "field").get("file"),
    )
    _check_frame_names(study, path)
    verify(study)
    return study


def verify(study: Study) -> None:
    """Compares every file of the study that has a checksum with it.

    Raises:
      InputError: a file differs, or is missing from a folder that must be complete; the first such is named.
    """
    for name, expected in study.checksums.items():
        file = study.folder / name
        if not file.is_file():
            if study.fetched:
                continue
            raise InputError(f"{file}: the study's files must all be there; this one is missing. Complete the folder.")
        actual = files.sha256(file)
        if actual != expected:
            raise InputError(
                f"{file}: must have the SHA-256 {expected}; got {actual}. It is not the published file: "
                f"{'delete it, so that it is fetched again' if study.fetched else 'replace it'}."
            )


@cache
def _read_schema(path: Path) -> tuple[Mapping[str, Panel], Schema]:
    """The checkout's panels, and its schema of a study with their settings; neither changes while a program runs."""
    known = panels.read(path.parents[2] / "figures/panels.yaml", path.with_name("panels.schema.yaml"))
    schema = yaml_files.schema(path)
    properties = schema.content["properties"]
    filled = {**properties, "panels": properties["panels"] | panels.study_schema(known)}
    return known, schema._replace(content={**schema.content, "properties": filled})


def _fetched(folder: Path, checksums: Mapping[str, str], pattern: str, *, key: str) -> list[Path]:
    """The published files that match a pattern, there already or not."""
    try:
        return [folder / name for name in checksums if PurePosixPath(name).match(pattern)]
    except ValueError as error:
        raise InputError(f"{key} must be a pattern of file names; {error}.") from None


def _listed(folder: Path, pattern: str, published: Mapping[str, str] | None, *, key: str) -> list[Path]:
    """The files in a folder that match a pattern; of those that are published where they are fetched."""
    files.inside(folder, pattern, key=key)
    if published is not None:
        return _fetched(folder, published, pattern, key=key)
    try:
        return [files.within(folder, file, key=key) for file in folder.glob(pattern)]
    except ValueError as error:
        raise InputError(f"{key} must be a pattern of file names; {error}.") from None


def _read_actions(settings: Mapping, path: Path, schema: Schema) -> ActionSettings:
    """The action table of a study, which names the file of it or has it itself, with its defaults."""
    actions = settings["actions"]
    if isinstance(actions, str):
        file = files.inside(path.parent, actions, key=f"{path}: `actions`")
        actions = yaml_files.read(file, advice="Check `actions`.")
        yaml_files.validate({**settings, "actions": actions}, schema, path)
    return ActionSettings(
        factors=actions["factors"],
        behaviours=actions["behaviours"],
        steering=actions.get("steering", next(iter(actions["behaviours"]))),
        mirrored="steering" in actions,
    )


def _read_claims(
    settings: Mapping, actions: ActionSettings, path: Path, schema: Path, known: Mapping[str, Panel]
) -> Mapping | None:
    """The content of the claims file, None where the study has no section `evidence`."""
    if "evidence" not in settings:
        return None
    file = files.inside(path.parent, settings["evidence"]["claims"], key=f"{path}: `evidence.claims`")
    claims = yaml_files.read(file, advice="Check `evidence.claims`.")
    yaml_files.validate(claims, yaml_files.schema(schema.with_name("claims.schema.yaml")), file)
    _check_figures(claims, known, file)
    for name, claim in claims["claims"].items():
        if "readout" in claim and claim["readout"] not in actions["behaviours"]:
            known_names = ", ".join(actions["behaviours"])
            raise InputError(f"{file}: {name}.readout must be one of {known_names}; got {claim['readout']!r}.")
    return claims


def _find_labels(
    settings: LabelSettings | None, path: Path, probe: Path | None
) -> tuple[Path | None, tuple[Path, ...], bool]:
    """The folder of the labelled frames, their files, and whether some of them are real stacks."""
    if settings is None:
        return None, (), False
    folder = probe or path.parent / settings["folder"]
    pairs = labels.find(folder, pattern=settings["frames"], masks=settings["masks"])
    table = folder / captured.TABLE
    turns = frame_groups.stacks(*frame_groups.read(folder, [picture.stem for picture, _ in pairs]), frames=1)
    return folder, (*(file for pair in pairs for file in pair), *([table] if table.is_file() else [])), len(turns) > 0


def _find_recorded(settings: Mapping, path: Path, section: str) -> dict[str, Path]:
    """The files that a section names, such as that of each agent's episodes."""
    return {
        name: files.inside(path.parent / settings["folder"], file, key=f"{path}: `{section}.{name}`")
        for name, file in settings.items()
        if name != "folder"
    }


def _known_studies(path: Path) -> str:
    # Actions and claims lie beside the studies, but name no policy.
    found = path.parent.glob("*.yaml")
    known = sorted(f.stem for f in found if f.is_file() and b"\npolicy:" in b"\n" + f.read_bytes())
    return f"Choose a study from {known}, or give the path of your own YAML file."


def _check_figures(claims: Mapping, known: Mapping[str, Panel], path: Path) -> None:
    renamed = {old: f", which is called {name!r} now" for name, panel in known.items() for old in panel.formerly}
    for name, claim in claims["claims"].items():
        figure = claim["figure"]
        if figure not in known:
            raise InputError(
                f"{path}: {name}.figure must be a panel, one of {list(known)}; got {figure!r}{renamed.get(figure, '')}."
            )


def _check_references(config: Mapping, actions: ActionSettings, known_panels: Mapping[str, Panel], path: Path) -> None:
    table = action_table(actions["factors"], actions["behaviours"])

    def must_be_known(what: str, name: str, known) -> None:
        if name not in known:
            raise InputError(f"{path}: {what} must be one of {sorted(known)}; got {name!r}.")

    must_be_known("actions.steering", actions["steering"], table.behaviours)
    objectives = {f"dreams.{name}": dream["objective"] for name, dream in config["dreams"].items()}
    objectives |= {f"gradients.{name}": objective for name, objective in config["gradients"].items()}
    for key, objective in objectives.items():
        if "behaviour" in objective:
            must_be_known(f"{key}: behaviour", objective["behaviour"], table.behaviours)
    if "series" in config and "evidence" not in config:
        raise InputError(f"{path}: `series` must have the section `evidence` to compare; there is none. Add it.")
    named = {key: config[key] for key in ("dreams", "gradients")}
    named["recipes"] = config.get("recipes", {}).get("compared", {})
    for name, settings in config["panels"].items():
        section = known_panels[name].section
        if section and section not in config:
            raise InputError(f"{path}: panels.{name} must have the section `{section}` to draw; there is none. Add it.")
        for option, kind, value in known_panels[name].references(settings):
            if kind in named:  # frames are checked once their files are known
                must_be_known(f"panels.{name}.{option}", value, named[kind])


def _check_frame_names(study: Study, path: Path) -> None:
    config = study.settings
    names = observations.observation_names(study.frames, array=config["frames"].get("array"))
    used = [("frames.night", name) for name in config["frames"].get("night", [])]
    used += [(f"panels.{name}.{option}", value) for name, settings in config["panels"].items()
             for option, kind, value in study.panels[name].references(settings) if kind == "frames"]  # fmt: skip
    used += [("published.frame", row["frame"]) for kind in ("behaviour", "activation_range")
             for row in config.get("published", {}).get(kind, [])]  # fmt: skip
    for key, name in used:
        if names is not None and name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            raise InputError(
                f"{path}: {key} must name one of the study's {len(names)} frames; got {name!r}."
                + (f" Did you mean {close[0]!r}?" if close else "")
            )


def _check_data_folder(folder: Path, path: Path) -> None:
    data = path.parent / ".." / "data"
    if folder.resolve() == data.resolve() or not folder.resolve().is_relative_to(data.resolve()):
        raise InputError(f"{path}: `source.folder` of a study that is fetched must lie in {data}; got {folder}.")

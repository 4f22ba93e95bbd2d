"""Run several stages one after another in one process, which imports JAX once."""

from importlib import import_module

from minetest_interp.cli import command


def run(stages: list) -> None:
    """Their record is one.

    Args:
      stages: `[name, {option: word}]` of each, the words as on the stage's own command line.
    """
    for name, options in stages:
        print(f"{name} ...", flush=True)
        words = [word for option, text in options.items() for word in (f"--{option}", text)]
        command(import_module(f"minetest_interp.stages.{name}").run, argv=words, record=False)


if __name__ == "__main__":
    command(run)

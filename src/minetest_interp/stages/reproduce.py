"""Write the reviewer's table: what each claim and figure rests on, costs, and whether its numbers are as expected."""

from pathlib import Path

from minetest_interp import expected as expectations
from minetest_interp import files, integrity, records, report, reviewer
from minetest_interp.stages import command


def run(
    facts: Path,
    made: list[Path],
    templates: Path,
    results: Path,
    figures: Path,
    markdown: Path,
    html: Path,
    expected: Path | None = None,
) -> None:
    content = files.read_json(facts)
    compared = expectations.compare(files.read_json(expected), content) if expected else None
    for path in made:  # what the study comes to: with it all its jobs are known
        files.read(path)
    jobs = integrity.needed(records.jobs(results), [facts, *made])
    table = reviewer.review(content, compared, jobs, figures)
    files.write_text(markdown, report.render_reproduce_markdown(content, table, templates))
    files.write_text(html, report.render_reproduce_html(content, table, templates))


if __name__ == "__main__":
    command(run)

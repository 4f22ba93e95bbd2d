"""Write the reviewer's table: what each claim and figure rests on, costs, and whether its numbers are as expected."""

from pathlib import Path

from minetest_interp.cli import command
from minetest_interp.facts import expected as expectations
from minetest_interp.facts import reviewer
from minetest_interp.io import files
from minetest_interp.pages import article
from minetest_interp.provenance import integrity, job_logs


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
    jobs = integrity.needed(job_logs.jobs(results), [facts, *made])
    table = reviewer.review(content, compared, jobs, figures)
    files.write_text(markdown, article.render_reproduce_markdown(content, table, templates))
    files.write_text(html, article.render_reproduce_html(content, table, templates))


if __name__ == "__main__":
    command(run)

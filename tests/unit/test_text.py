"""Compiled templates, which are kept from one job to the next and change no byte of a page."""

import jinja2
import pytest

from minetest_interp.pages import text

KINDS = {
    "html": text.html_environment.__wrapped__,
    "markdown": text.markdown_environment.__wrapped__,
    "hugo": text.hugo_environment.__wrapped__,
}


@pytest.fixture
def templates(tmp_path, monkeypatch):
    """A folder with a template, and one, still missing, for what is compiled of it."""
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.j2").write_text('{{ words }} {{ "a[b]{c}<d>" }}\n', encoding="utf-8")
    monkeypatch.setenv(text.KEPT, str(tmp_path / "kept"))
    return folder


def render(folder) -> dict[str, str]:
    """By kind, as a new process would."""
    return {kind: made(folder).get_template("page.j2").render(words="x*y {z}") for kind, made in KINDS.items()}


def test_a_template_is_compiled_once_for_each_kind_of_page(templates, tmp_path, monkeypatch):
    first = render(templates)
    assert len(set(first.values())) == len(list((tmp_path / "kept").iterdir())) == len(KINDS)
    with monkeypatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", lambda *_: pytest.fail("it was compiled again"))
        assert render(templates) == first
    monkeypatch.delenv(text.KEPT)
    assert render(templates) == first


def test_an_edited_template_is_compiled_again(templates):
    render(templates)
    (templates / "page.j2").write_text("{{ words }}!", encoding="utf-8")
    assert all(page.endswith("!") for page in render(templates).values())


def test_what_was_kept_may_be_damaged(templates, tmp_path):
    first = render(templates)
    for file in (tmp_path / "kept").iterdir():
        whole = file.read_bytes()
        for damaged in (*(whole[:end] for end in range(0, len(whole), 40)), whole[::-1], b"no template"):
            file.write_bytes(damaged)
            assert render(templates) == first
            assert file.read_bytes() == whole

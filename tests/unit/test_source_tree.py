"""What counts as source, with git and without."""

import subprocess

import pytest

from minetest_interp.io import files
from minetest_interp.io.errors import InputError
from minetest_interp.provenance import source_tree


def git(folder, *words) -> str:
    who = ["-c", "user.name=one", "-c", "user.email=one@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path):
    for name in ("code.py", "a folder/ä file.txt", "gone.txt", "moved.txt"):
        files.write_text(tmp_path / name, name)
    files.write_text(tmp_path / ".gitignore", "/built/\n")
    files.write_text(tmp_path / "built/page.html", "made")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


def test_a_clean_checkout_is_what_git_tracks(checkout):
    read = source_tree.read(checkout)
    assert read.files == (".gitignore", "a folder/ä file.txt", "code.py", "gone.txt", "moved.txt")
    assert read.commit == git(checkout, "rev-parse", "HEAD").strip() and read.changed == ()


def test_every_kind_of_change_is_named_and_the_tree_is_taken_as_it_is(checkout):
    (checkout / "code.py").write_text("edited")
    (checkout / "gone.txt").unlink()
    (checkout / "new one.txt").write_text("new")
    git(checkout, "mv", "moved.txt", "elsewhere.txt")
    read = source_tree.read(checkout)
    assert read.changed == ("code.py", "elsewhere.txt", "gone.txt", "moved.txt", "new one.txt")
    assert read.files == (".gitignore", "a folder/ä file.txt", "code.py", "elsewhere.txt", "new one.txt")


@pytest.fixture
def unpacked(tmp_path):
    contents = {"code.py": "code", "deep/a file.txt": "a", "report/x/page.html": "made", source_tree.CRATE: "{}"}
    for name, text in contents.items():
        files.write_text(tmp_path / name, text)
    jobs = [{"outputs": {"report/x/page.html": "..."}}]
    files.write_json(tmp_path / source_tree.MANIFEST, {"source": {"commit": "abc", "changed": []}, "jobs": jobs})
    lines = [f"{files.sha256(tmp_path / name)}  {name}\n" for name in (*contents, source_tree.MANIFEST)]
    files.write_text(tmp_path / source_tree.SUMS, "".join(lines))
    return tmp_path


def test_an_unpacked_archive_knows_its_source_without_git(unpacked):
    assert source_tree.read(unpacked) == source_tree.Source("abc", ("code.py", "deep/a file.txt"), ())
    (unpacked / "code.py").write_text("edited")
    (unpacked / "deep/a file.txt").unlink()
    assert source_tree.read(unpacked) == source_tree.Source("abc", ("code.py",), ("code.py", "deep/a file.txt"))


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must be a git checkout or an unpacked archive.*Clone the repository\.$"):
        source_tree.read(tmp_path)
    (tmp_path / ".git").mkdir()
    with pytest.raises(InputError, match=r"git must answer `git ls-files`; it said: .*Mend that first\.$"):
        source_tree.read(tmp_path)

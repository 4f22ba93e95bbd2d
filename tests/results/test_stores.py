"""Every array of a built study is as `docs/results.md` says."""

from minetest_interp.io import files, stores


def test_every_array_of_a_study_is_declared(built):
    folder = built.folder / "results/own"
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.npz"))
    declared = {path: stores.store_of(path) for path in paths}
    assert all(declared.values()), [path for path, store in declared.items() if store is None]
    assert len({store.path for store in declared.values()}) >= 15
    assert [each for path in paths for each in stores.breaches(declared[path], files.read_arrays(folder / path))] == []

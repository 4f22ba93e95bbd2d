"""Every array of a built study is as `docs/results.md` says."""

from minetest_interp.io import files, results


def test_every_array_of_a_study_is_declared(built):
    folder = built.folder / "results/own"
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.npz"))
    stores = {path: results.store_of(path) for path in paths}
    assert all(stores.values()), [path for path, store in stores.items() if store is None]
    assert len({store.path for store in stores.values()}) >= 15
    assert [each for path in paths for each in results.breaches(stores[path], files.read_arrays(folder / path))] == []

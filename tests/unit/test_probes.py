"""Linear probes: they read what is planted and nothing else, and choose their penalty as refitting would."""

import numpy as np
import pytest

from minetest_interp.analysis import intervals, probes

PENALTIES = (0.01, 0.1, 1, 10)


def clusters_of(sizes) -> np.ndarray:
    return np.repeat(np.arange(len(sizes)), sizes)


def features_and_clusters(seed: int = 0, wide: int = 30):
    generator = np.random.default_rng(seed)
    clusters = clusters_of(generator.integers(1, 4, 16))
    return generator.normal(3, 2, (len(clusters), wide)), clusters, generator


def ridge(features, answers, penalty: float):
    """Weights and intercept by the normal equations with features as they are."""
    mean, centred = answers.mean(0), features - features.mean(0)
    weights = np.linalg.solve(centred.T @ centred + penalty * np.eye(features.shape[1]), centred.T @ (answers - mean))
    return weights, mean - features.mean(0) @ weights


def plainly(features, answers, clusters, fits, tests) -> np.ndarray:
    """The same in the primal, with every cluster really left out."""
    scaled = (features - features[fits].mean(0)) / features[fits].std(0)
    size = (scaled[fits] ** 2).sum() / fits.sum()
    found = np.empty((tests.sum(), answers.shape[1]))
    for i, answer in enumerate(answers.T):
        errors = []
        for penalty in PENALTIES:
            total = 0
            for name in set(clusters[fits]):
                kept, left = fits & (clusters != name), fits & (clusters == name)
                weights, intercept = ridge(scaled[kept], answer[kept], penalty * size)
                total += ((scaled[left] @ weights + intercept - answer[left]) ** 2).sum()
            errors.append(total)
        weights, intercept = ridge(scaled[fits], answer[fits], PENALTIES[int(np.argmin(errors))] * size)
        found[:, i] = scaled[tests] @ weights + intercept
    return found


@pytest.mark.parametrize("wide", [3, 30, 80])
def test_predictions_are_those_of_refitted_ridges(wide):
    features, clusters, generator = features_and_clusters(wide=wide)
    answers = np.stack(
        [features[:, 0] + generator.normal(0, 1, len(features)), generator.normal(size=len(features))], 1
    )
    found = probes.predict(probes.both_ways(features, clusters), answers, penalties=PENALTIES)
    first, second = intervals.cluster_halves(clusters)
    for fits, tests in ((first, second), (second, first)):
        np.testing.assert_allclose(
            found[tests], plainly(features, answers, clusters, fits, tests), rtol=1e-5, atol=1e-7
        )


def test_products_of_some_features_at_a_time_are_those_of_all(monkeypatch):
    features, clusters, _ = features_and_clusters(wide=200)
    assert len(features) + 7 < 200
    whole = probes.both_ways(features, clusters)
    monkeypatch.setattr(probes, "CHUNK", 7)
    for one, other in zip(whole, probes.both_ways(features, clusters), strict=True):
        for all_at_once, some_at_a_time in zip(one, other, strict=True):
            np.testing.assert_allclose(some_at_a_time, all_at_once, atol=1e-9)


def test_each_frame_is_predicted_without_its_half():
    features, clusters, generator = features_and_clusters(1)
    answers = generator.normal(size=(len(features), 1))
    halves, half = probes.both_ways(features, clusters), intervals.cluster_halves(clusters)[0]
    found = probes.predict(halves, answers, penalties=PENALTIES)
    changed = np.where(half[:, None], answers + generator.normal(size=answers.shape), answers)
    again = probes.predict(halves, changed, penalties=PENALTIES)
    np.testing.assert_array_equal(again[half], found[half])
    assert np.abs(again[~half] - found[~half]).max() > 0.01


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_units_and_offsets_of_features_do_not_matter_and_flat_or_infinite_ones_count_nothing(scale):
    features, clusters, generator = features_and_clusters(2)
    answers = features[:, :1] + generator.normal(size=(len(features), 1))
    flat = np.full((len(features), 2), 0.1)
    flat[0, 1] = np.inf
    other = np.concatenate([scale * features + 7 * scale, flat], 1).reshape(len(features), 8, 4)
    one, two = (
        probes.predict(probes.both_ways(each, clusters), answers, penalties=PENALTIES) for each in (features, other)
    )
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_of_features_that_do_not_vary_the_mean_is_read():
    features, clusters, generator = features_and_clusters(3)
    answers = generator.normal(size=(len(features), 1))
    first, second = intervals.cluster_halves(clusters)
    found = probes.predict(probes.both_ways(np.ones_like(features), clusters), answers, penalties=PENALTIES)
    np.testing.assert_allclose(found[first, 0], answers[second].mean(), rtol=1e-12)
    np.testing.assert_allclose(found[second, 0], answers[first].mean(), rtol=1e-12)


def test_a_half_of_one_cluster_is_fitted():
    features, _, _ = features_and_clusters(4)
    clusters = np.arange(len(features)) % 2
    found = probes.predict(probes.both_ways(features, clusters), features[:, :1], penalties=PENALTIES)
    assert np.isfinite(found).all()


def test_brightness_is_the_mean_of_each_cell():
    greys = np.random.default_rng(0).uniform(0, 255, (3, 8, 12)).astype(np.float32)
    wanted = greys.reshape(3, 4, 2, 4, 3).mean((2, 4)).reshape(3, 16)
    np.testing.assert_allclose(probes.brightness_map(greys), wanted, rtol=1e-5)
    assert probes.brightness_map(greys[:, :3, :2]).shape == (3, 6)


def test_shuffling_deals_out_the_answers_of_each_half():
    clusters = clusters_of([1, 3, 2, 2, 4, 1, 1, 2])
    within = [np.flatnonzero(half) for half in intervals.cluster_halves(clusters)]
    orders = probes.shuffled_labels(clusters, count=50, seed=0)
    for order in orders:
        for frames in within:
            assert sorted(order[frames]) == sorted(frames)
    assert len({tuple(order) for order in orders}) > 40
    evenly = probes.shuffled_labels(2 * np.arange(6), count=400, seed=1)  # all in one half
    np.testing.assert_allclose([np.bincount(column, minlength=6) / 400 for column in evenly.T], 1 / 6, atol=0.08)


def test_classes_are_one_answer_each_and_the_most_frequent_is_that_of_the_fitting_half():
    classes = np.array([0, 1, 1, 2, 0, 0])
    np.testing.assert_array_equal(probes.one_for_each(classes, count=3).argmax(1), classes)
    assert probes.one_for_each(np.stack([classes] * 5), count=3).shape == (6, 5, 3)
    # The first half is mostly of class 1, the second of class 0.
    clusters = np.array([0, 0, 0, 1, 1, 1])
    assert probes.most_frequent(classes, clusters).tolist() == [True, False, False, False, False, False]
    np.testing.assert_allclose(probes.means_before(classes, clusters), [2 / 3] * 6)


def test_predictions_stay_within_what_the_fitting_half_has_seen():
    clusters, values = np.array([0, 0, 1, 1]), np.array([1.0, 2, 5, 9])
    found = probes.within_known(np.array([-3.0, 7, 1.5, 30]), values, clusters)
    np.testing.assert_array_equal(found, [5, 7, 1.5, 2])

"""The fit with a price on bends by scikit-learn's checks, which are made for several features."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

import stepscape as ss

ESTIMATORS = [(), (0.01, 1.0)]
# One feature may be a plain column, which other estimators refuse.
COLUMN = {"check_fit1d": "X of shape (n,) is one feature"}


class OfFirstFeature(ss.WeightedTVRegressor):
    """Of several features the first is fitted: scikit-learn skips an estimator of one feature."""

    def _training_data(self, X, y, sample_weight):
        x, *others = super()._training_data(X, y, sample_weight)
        return (x if x.ndim == 1 else x[:, 0], *others)

    def _inputs(self, X):
        x = super()._inputs(X)
        return x if x.ndim == 1 else x[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
        tags.regressor_tags.poor_score = True  # for a table that takes ten features
        return tags


@parametrize_with_checks(
    [OfFirstFeature(*given) for given in ESTIMATORS], expected_failed_checks=lambda _: COLUMN
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)

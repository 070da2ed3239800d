"""How the estimators read their data: by scikit-learn's rules, refusing in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils.validation import _check_n_features, _check_sample_weight, check_is_fitted, validate_data

from stepscape.arguments import reals
from stepscape.errors import bad
from stepscape.estimators.feature_matrix import feature_matrix, refuse_unreadable

Array = NDArray[np.float64]


class ReadingEstimator(BaseEstimator):  # type: ignore[misc]
    """An estimator of one feature, (n,) or (n, 1), or of several, (n, d)."""

    def _training_data(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Array, NDArray[Any], Array]:
        """Validate by scikit-learn's rules; X comes back (n,) of one feature, (n, d) of several."""
        refuse_unreadable(X=X, y=y)
        if sample_weight is not None:
            sample_weight = reals("sample_weight", sample_weight)
            if not np.isfinite(sample_weight).all():
                raise bad("sample_weight", "be finite", "nan or an infinite number in it")
        X, y = validate_data(self, X, y, ensure_2d=False, dtype=np.float64, y_numeric=is_regressor(self))
        x = feature_matrix(X)
        self.n_features_in_ = 1 if x.ndim == 1 else int(x.shape[1])
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        return x, np.asarray(y), weights

    def _inputs(self, X: Any) -> Array:
        """Validate inputs to predict at; they come back (n,) of one feature, (n, d) of several."""
        check_is_fitted(self)
        refuse_unreadable(X=X)
        several = self.n_features_in_ > 1
        X = validate_data(self, X, ensure_2d=several, dtype=np.float64, reset=False)
        if X.ndim == 2:
            _check_n_features(self, X, reset=False)
        return feature_matrix(X)

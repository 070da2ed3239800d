"""A scikit-learn regressor with a price on the weighted total variation: the exact twin of a step size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from stepscape.arguments import nonnegative, number, whole
from stepscape.errors import bad, shown
from stepscape.estimators.bent_lines import COUNT, BentLines, price_of_bends, whole_path
from stepscape.estimators.folds import can_hold_out
from stepscape.estimators.held_out_paths import Chosen, Place, choose
from stepscape.estimators.reading import ReadingEstimator
from stepscape.estimators.settings import read_seed
from stepscape.memory import require_memory
from stepscape.problems.user.scale import Affine, positive
from stepscape.problems.user.units import Standardized
from stepscape.tables.records import Table

Array = NDArray[np.float64]
ALPHAS = (0.0, 0.5, 1.0)
MOST = 2**53  # folds and repeats
_BYTES = 32.0  # that the error of a fit at a row takes


class WeightedTVRegressor(RegressorMixin, ReadingEstimator):  # type: ignore[misc]
    """Fit y = f(x) by straight pieces with a price on every bend: exact, and in milliseconds.

        minimize ½ Σ v_i (f(x_i) − y_i)² + λ ∫|f''| g^α      over all functions f,

    in standardized units (weighted mean 0 and standard deviation 1 of x and of y), with weights v of sum 1
    and g the weight of `stepscape.theory.weight`. α = 1 is the price that gradient descent with a large step
    size puts on a bend: f has the least loss of all functions with its ∫|f''|g, which `StepSizeRegressor`
    bounds by its step size. α = 0 is the locally adaptive linear spline, whose bends cost the same
    everywhere.

    The minimizer bends at inputs only, since g^α is concave between inputs (proof in
    `stepscape.theory.line.bend_prices`). Beyond the data f continues as its last piece: for α > 0 a bend at
    either end costs nothing, and near the ends little, so that a fit with α > 0 extrapolates on few rows.

    Parameters
    ----------
    penalty : "cv" or float
        λ ≥ 0 in standardized units, which no change of the units of x or y alters. "cv" chooses among 48
        values, six a decade, from the least at which f is the line of least squares; the path ends early at
        the first fit with more than 1000 bends. 0 connects the dots.
    alpha : "cv" or float in [0, 1]
        "cv" chooses among 0, ½ and 1, together with the penalty; with a given penalty it must be a number,
        because penalties of different α are not comparable.
    n_splits : int
        Folds, the same as those of `StepSizeRegressor` with this `random_state`.
    repeats : int
        The most times that rows are dealt to folds anew. Fewer do if the choice has stood for three.
    random_state : int, RandomState or None
        Seeds the folds.

    Attributes
    ----------
    penalty_, alpha_ : float
    pieces_ : int
        Lines that draw the fit within 5 % of the standard deviation of y, as `StepSizeRegressor` counts them.
    pieces_spread_ : (int, int) or None
        Fewest and most pieces of the fits that each repeat alone would have chosen; None without choice.
    repeats_ : int
        Times that the rows were dealt to folds; 0 without choice.
    kinks_ : (k,)
        Inputs at which f bends, increasing. A bend between two inputs takes both of them.
    slopes_ : (k + 1,)
        Slopes of the pieces between, in the units of y and x.
    objective_, gap_ : float
        ½ Σ v (f − y)² + λ ∫|f''|g^α in squared units of y, and by how much it exceeds, at most, what any
        function attains: rounding.
    path_ : Table or None
        One row per α and penalty: alpha, penalty, cv_error and standard_error (squared units of y), bends,
        chosen. None if both are given, or if nothing can be held out.
    held_out_ : str or None
        What folds held out: "inputs", or "rows" at inputs that repeat; None without choice.
    line_ : BentLine
        f in standardized units.
    network_ : TwoLayerReLU
        The same function as a network, in standardized units.
    units_ : tuple of two Affine
        Of inputs and labels, from standardized units and back.

    Notes
    -----
    Fits are compared at the same rows, held out (`stepscape.estimators.paired_choice`). Of each α the choice
    goes from the line of least squares to smaller penalties. A fit takes the place of a simpler one if its
    error is smaller by more than a quarter of the standard error of the paired differences, without the row
    at which the two differ most: no row alone decides, and ties go to the simpler. α is 0 unless another is
    better by more than two standard errors of the differences.

    Source: derived here; α = 0 is Mammen and van de Geer (1997), Locally adaptive regression splines.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 10.0, 41)
    >>> model = WeightedTVRegressor().fit(x, np.abs(x - 4.0))
    >>> model.kinks_, model.slopes_.round(2)
    (array([4.]), array([-1.,  1.]))
    """

    units_: tuple[Affine, Affine]

    def __init__(
        self,
        penalty: float | str = "cv",
        alpha: float | str = "cv",
        *,
        n_splits: int = 5,
        repeats: int = 10,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.n_splits = n_splits
        self.repeats = repeats
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose what is not given, and minimize over all data.

        Parameters
        ----------
        X : (n,) or (n, 1)
        y : (n,)
        sample_weight : (n,), optional
            Not negative; a whole weight is a repeated row, 0 leaves a row out.
        """
        x, labels, weights = self._training_data(X, y, sample_weight)
        if x.ndim > 1:
            raise bad("X", "have one feature", f"{x.shape[1]}", "StepSizeRegressor fits several")
        alphas, penalty = self._given()
        seed = read_seed(self.random_state)
        data = Standardized.of(x, labels.astype(np.float64), weights)
        needs = _BYTES * COUNT * len(alphas) * data.rows.count.size
        require_memory("X", f"{len(x)} rows", needs, "give fewer")
        assert isinstance(data.inputs, Affine)  # of one feature
        self.units_ = (data.inputs, data.labels)
        if penalty is None:
            self._choose(data, [whole_path(data, alpha) for alpha in alphas], seed)
        else:
            self._keep_choice(data, [_one(data, alphas[0], penalty)], Place(0, 0), None)
        self.kinks_ = np.unique(x[positive(weights)])[self.line_.at[1:-1]]
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Values at X, (n,) or (n, 1), in the units of y; beyond the data those of the last piece."""
        x = self._inputs(X)
        with np.errstate(over="ignore", invalid="ignore"):
            values = self.line_(self.units_[0].standardize(x))
        return np.asarray(self.units_[1].restore(values))

    def __sklearn_tags__(self) -> Any:
        """One feature, as scikit-learn's own isotonic regression says it."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        return tags

    def _given(self) -> tuple[Sequence[float], float | None]:
        """Values of α to choose from, and λ unless it is chosen."""
        whole("n_splits", self.n_splits, 2, MOST)
        whole("repeats", self.repeats, 1, MOST)
        alphas: Sequence[float] = ALPHAS
        if not isinstance(self.alpha, str) or self.alpha != "cv":
            alphas = (_number("alpha", self.alpha, "in [0, 1]"),)
            if not 0.0 <= alphas[0] <= 1.0:
                raise bad("alpha", 'be a number in [0, 1] or "cv"', alphas[0])
        if isinstance(self.penalty, str) and self.penalty == "cv":
            return alphas, None
        penalty = nonnegative("penalty", _number("penalty", self.penalty, "of at least 0"))
        if len(alphas) > 1:
            must = "be a number when penalty is one: penalties of different alpha are not comparable"
            raise bad("alpha", must, shown(self.alpha))
        return alphas, penalty

    def _choose(self, data: Standardized, paths: list[BentLines], seed: int) -> None:
        if not can_hold_out(data.rows, data.size):
            self._keep_choice(data, paths, Place(0, 0), None)
            return
        chosen = choose(data, paths, int(self.n_splits), int(self.repeats), seed)
        self._keep_choice(data, paths, chosen.place, chosen)

    def _keep_choice(
        self, data: Standardized, paths: list[BentLines], place: Place, chosen: Chosen | None
    ) -> None:
        path = paths[place.path]
        self.line_ = line = path[place.penalty]
        self.alpha_, self.penalty_ = float(path.alpha), float(path.penalties[place.penalty])
        self.pieces_, self.network_ = line.pieces, line.network
        unit = self.units_[1].deviation
        self.slopes_ = line.slopes * (unit / self.units_[0].deviation)
        loss = data.error(line(data.x)) / 2.0
        price = self.penalty_ * price_of_bends(data, self.alpha_, line)
        self.objective_ = (loss + price) * unit * unit
        self.gap_ = float(path.gaps[place.penalty]) * unit * unit
        self.path_ = self.pieces_spread_ = self.held_out_ = None
        self.repeats_ = 0
        if chosen is not None:
            pieces = [paths[one.path][one.penalty].pieces for one in set(chosen.of_repeats)]
            self.pieces_spread_ = (min(pieces), max(pieces))
            self.held_out_ = "rows" if chosen.within else "inputs"
            self.repeats_ = len(chosen.of_repeats)
            self.path_ = _table(paths, chosen, unit)


def _number(name: str, value: Any, range_: str) -> float:
    return number(name, value, f'be a number {range_} or "cv"')


def _one(data: Standardized, alpha: float, penalty: float) -> BentLines:
    """Minimize for one penalty; for 0 connect the dots."""
    if penalty > 0.0:
        return BentLines.of(data, alpha, np.array([penalty]))
    every = np.arange(data.size)
    return BentLines(alpha, np.zeros(1), np.zeros(1), data.x, np.array([0, data.size]), every, data.y.copy())


def _table(paths: Sequence[BentLines], chosen: Chosen, unit: float) -> Table:
    """Return one row per path and penalty, errors in squared units of the labels."""
    rows: dict[str, list[Any]] = {
        name: [] for name in ("alpha", "penalty", "cv_error", "standard_error", "bends", "chosen")
    }
    for number_, (path, errors) in enumerate(zip(paths, chosen.errors, strict=True)):
        count = path.penalties.size
        rows["alpha"].append(np.full(count, path.alpha))
        rows["penalty"].append(path.penalties)
        rows["cv_error"].append(errors.means * unit * unit)
        rows["standard_error"].append(errors.standard_errors() * unit * unit)
        rows["bends"].append(path.bends)
        rows["chosen"].append([Place(number_, j) == chosen.place for j in range(count)])
    return Table({name: np.concatenate(parts) for name, parts in rows.items()})

"""A truth of one's own: any function of the inputs, asked with care, and found again by its name.

A name is ``module:function``. Runs keep it with a seal, ``module:function#seal``, a digest of the values of
the function at 1000 points of the interval of the inputs, or of the ball that holds them: a function that was
changed there makes new runs, and is never taken for the one that old runs had.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import function
from stepscape.errors import InputError, bad, nearest, shown

Array = NDArray[np.float64]
GRID = 1000  # points whose values make the seal
DIGITS = 9  # of these values, relative to the largest: the last bits differ between machines
ADVICE = (
    "a truth of your own is 'module:function', such as 'numpy:sin', or in Python the function itself "
    "(how-to guide 'Use a truth of your own')"
)


@dataclass(frozen=True)
class Truth:
    """A user's function f0, asked for many inputs at once or, where it cannot answer, one by one.

    Its answers are real numbers, one per input; anything else is an `InputError` that says what came. Inputs
    (n, d) of several variables are asked row by row.
    """

    function: Callable[[Any], Any]
    name: str = "truth"

    def __post_init__(self) -> None:
        function(self.name, self.function, "be a function of the inputs")

    @classmethod
    def of(cls, given: Any) -> Truth:
        """Return a truth as it is, and any other function as one."""
        return given if isinstance(given, cls) else cls(given)

    def __call__(self, x: Array) -> Array:
        """Evaluate at x (n,), or (n, d) for d variables."""
        points = np.array(x, dtype=np.float64)
        values = self._at_once(points)
        if values is None:
            values = self._one_by_one(points)
        if not np.isfinite(values).all():
            at = np.argwhere(~np.isfinite(values))[0][0] if values.ndim else ()
            raise bad(self.name, "be finite at the inputs", f"{values[at]} at {points[at]}")
        return values

    def _at_once(self, points: Array) -> Array | None:
        try:
            with np.errstate(all="ignore"):  # the values themselves are checked
                values = np.asarray(self.function(points.copy()))
        except (Exception, SystemExit):  # whatever a user's function raises: it may be written for one number
            return None
        fits = values.shape == (points.shape[:1] if points.ndim == 2 else points.shape)
        return values.astype(np.float64) if fits and values.dtype.kind in "biuf" else None

    def _one_by_one(self, points: Array) -> Array:
        shape = points.shape[:1] if points.ndim == 2 else points.shape
        rows = points if points.ndim == 2 else points.reshape(-1).tolist()
        return np.array([self._value(row) for row in rows], dtype=np.float64).reshape(shape)

    def _value(self, at: Any) -> float:
        try:
            with np.errstate(all="ignore"):
                value = self.function(at)
        except (Exception, SystemExit) as error:  # a user's function may raise anything
            came = f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
            raise bad(self.name, "be a function of the inputs", f"{came} at {at}") from error
        number = np.asarray(value)
        if number.size != 1 or number.dtype.kind not in "biuf":
            raise bad(self.name, "return one real number per input", f"{shown(value)} at {at}")
        return float(number.reshape(()))


def is_own(name: object) -> bool:
    """Whether this names a function of a module, and not a curve."""
    return isinstance(name, str) and ":" in name


def own_truth(name: str, low: float, high: float, dimension: int = 1) -> Truth:
    """Find a truth by its name, with or without its seal, of inputs on [low, high] or in a ball of R^d.

    The module is imported, from the packages that are installed or from the current directory: its code runs.

    Raises
    ------
    InputError
        There is no such module or function, importing it fails, it is not a function of the inputs, or its
        values have changed since it was sealed.
    """
    plain, _, seal = name.partition("#")
    found = Truth(_load(plain), f"truth {plain}")
    if seal and seal != _seal(found, low, high, dimension):
        raise bad(found.name, f"have the values that it was sealed with as {seal}", "others", f"give {plain}")
    return found


def sealed(name: str, low: float, high: float, dimension: int = 1) -> str:
    """Return the name of a truth with its seal; one that has a seal stays.

    With d > 1 variables the function is asked at points of the ball with the diameter [low, high].
    """
    if "#" in name:
        return name
    return f"{name}#{_seal(own_truth(name, low, high, dimension), low, high, dimension)}"


def name_of(given: Any) -> str:
    """Return the name ``module:function`` under which a function can be found again."""
    function("truth", given)
    module, name = getattr(given, "__module__", None), getattr(given, "__qualname__", None)
    if isinstance(given, np.ufunc):
        module, name = "numpy", given.__name__
    if not module or not name or "<" in name or _found(sys.modules.get(module), name) is not given:
        must = "be a function that stands by its name in a module, so that a run can be repeated"
        raise bad("truth", must, shown(given), "write it into a file mine.py and give truth='mine:function'")
    return f"{module}:{name}"


def _points(low: float, high: float, dimension: int) -> Array:
    """Where a truth is asked for its seal: (GRID,), or (GRID, d) in a cube that the ball holds."""
    if dimension == 1:
        return np.linspace(low, high, GRID)
    steps = np.sqrt(np.arange(2.0, 2.0 + dimension)) * 0.6180339887498949  # the same bits everywhere
    share = np.outer(np.arange(1.0, GRID + 1.0), steps) % 1.0
    return np.asarray(0.5 * (low + high) + (high - low) * (share - 0.5) / np.sqrt(dimension))


def _seal(truth: Truth, low: float, high: float, dimension: int) -> str:
    values = truth(_points(low, high, dimension))
    size = float(np.abs(values).max())
    # Rounded down with an offset that no value of a simple function meets.
    steps = np.floor(values / (size or 1.0) * 10.0**DIGITS + 0.381966)
    text = f"{size:.{DIGITS - 1}e} " + " ".join(f"{step:.0f}" for step in steps)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _load(name: str) -> Callable[[Any], Any]:
    module, _, path = name.partition(":")
    if not (path and all(part.isidentifier() for part in (*module.split("."), *path.split(".")))):
        raise bad("truth", "be a name module:function, such as numpy:sin", repr(name))
    home = _import(module)
    if (found := _found(home, path)) is None:
        near = nearest(path, (each for each in vars(home) if callable(getattr(home, each))))
        hint = f"; did you mean {module}:{near}?" if near else ""
        raise InputError(f"truth {name} must name a function, but the module {module} has no {path}{hint}")
    return found  # type: ignore[no-any-return]


def _import(module: str) -> Any:
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)  # last, so that no file of the user hides a package
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            where = f"neither in the directory {folder!r} nor among the installed packages"
            raise InputError(f"truth needs the module {module}, which is {where}") from error
        raise InputError(f"truth needs the module {module}, which cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        came = f"{type(error).__name__} ({error})" if str(error) else type(error).__name__
        raise InputError(
            f"truth needs the module {module}, which cannot be imported: it raises {came}"
        ) from error


def _found(home: Any, path: str) -> Any:
    for part in path.split("."):
        home = getattr(home, part, None)
    return home

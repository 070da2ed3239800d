"""The page, empty-handed, about a problem, or about a user's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.arguments import text
from stepscape.explorer.page_data import PageData, Setup, Table
from stepscape.explorer.rendering import render
from stepscape.explorer.setups import setup, truth_of
from stepscape.explorer.tables import table_of_problem
from stepscape.explorer.verdicts import verdicts

if TYPE_CHECKING:
    from stepscape.problems.problem import Problem


def page(problem: Problem | None = None, *, x_name: str = "x", y_name: str = "y") -> str:
    """Return the explorer as one HTML page, on which a two-layer ReLU network trains live.

    It works offline, requests nothing, and needs a browser that is not older than 2022. Write it to a file
    and open it: ``pathlib.Path("explorer.html").write_text(ss.explorer.page(), "utf-8")``.

    Parameters
    ----------
    problem : Problem, optional
        What the page begins with: one input variable, no weights, either loss. Inputs and labels are taken as
        they are, so that a step size means what it means in `train`. Beyond 1000 examples the page takes 1000
        of them, evenly, and says so. Where its truth is a curve of `problems` on an interval around 0, the
        page shows the truth and the risk. By default the page begins with thirty points around a tent.
    x_name, y_name : str
        What inputs and labels are called on the axes.

    Raises
    ------
    InputError
        For another kind of problem.

    Examples
    --------
    >>> import stepscape as ss
    >>> page(ss.problems.tent(n=30, noise=0.5, seed=0)).startswith("<!doctype html>")
    True
    """
    text("x_name", x_name)
    text("y_name", y_name)
    if problem is None:
        return page_of(None)
    table = table_of_problem(problem, x_name, y_name)
    return page_of(setup(table, truth_of(problem)), table)


def page_of(begin: Setup | None, table: Table | None = None) -> str:
    """Return the page that begins with a run, about a user's table where there is one."""
    from stepscape import __version__

    return render(PageData(__version__, table, begin, verdicts()))

"""Linear measurements of a matrix: ⟨A_i, X⟩ for m matrices A_i that are stored as what they are."""

from stepscape.problems.linear_maps.dense import Dense
from stepscape.problems.linear_maps.entries import Entries
from stepscape.problems.linear_maps.linear_map import LinearMap
from stepscape.problems.linear_maps.rank_one import RankOne
from stepscape.problems.linear_maps.sparse import Sparse

__all__ = ["Dense", "Entries", "LinearMap", "RankOne", "Sparse"]


def __dir__() -> list[str]:
    return sorted(__all__)

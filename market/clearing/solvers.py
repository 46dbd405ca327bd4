"""scipy's solvers with types around them: the one module that knows how to call them.

Each takes whole numbers and gives an answer that the caller checks exactly; none is believed.
"""
# scipy ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false, reportMissingTypeStubs=false

import attrs
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from market.clearing.slots import Int64

__all__ = ["BinaryProgram", "Solution", "match", "solve_binary", "strong_components"]


def match(surplus: Int64) -> tuple[Int64, Int64]:
    """Return rows and columns of a matching of largest total surplus; negative pairs count zero."""
    cost = np.negative(surplus, dtype=np.float64)
    np.minimum(cost, 0, out=cost)
    rows, columns = linear_sum_assignment(cost)
    return rows, columns


def strong_components(nodes: int, start: Int64, end: Int64) -> Int64:
    """Return the strongly connected component of each node of a directed graph."""
    ones = np.ones(start.size, np.int8)
    graph = csr_array((ones, (start, end)), shape=(nodes, nodes))
    _, component = connected_components(graph, directed=True, connection="strong")
    return np.asarray(component, np.int64)


@attrs.frozen(eq=False)
class BinaryProgram:
    """Maximise ``gain @ x`` for x in {0, 1} with ``rows @ x <= limit``."""

    gain: Int64
    """Shape (variables,)."""
    at_row: Int64
    """Rows, columns and values of the entries that are not zero, each of shape (entries,)."""
    at_column: Int64
    entry: Int64
    limit: Int64
    """Shape (rows,)."""


@attrs.frozen
class Solution:
    """The solver's answer to a binary program."""

    chosen: tuple[int, ...] | None
    """Variables that are 1; None when the program has no solution."""
    is_proven: bool
    """Whether the solver closed the gap, or proved that there is no solution."""
    bound: float
    """No solution gains more, as far as the solver got."""


def solve_binary(program: BinaryProgram, node_limit: int) -> Solution | None:
    """Solve a binary program with HiGHS.

    Args:
        program: what to solve.
        node_limit: branch-and-bound nodes; a limit of time would make two nodes disagree.

    Returns:
        The solution; None when the solver stopped without any.
    """
    shape = (program.limit.size, program.gain.size)
    matrix = csr_array((program.entry, (program.at_row, program.at_column)), shape=shape)
    lower = np.full(program.limit.size, -np.inf)
    result = milp(
        -program.gain.astype(np.float64),
        integrality=np.ones(program.gain.size),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, lower, program.limit.astype(np.float64)),
        options={"mip_rel_gap": 0.0, "node_limit": node_limit},
    )
    infeasible = 2  # scipy's code for it; 0 is optimal
    if result.status == infeasible:
        return Solution(None, is_proven=True, bound=-np.inf)
    if result.x is None:
        return None
    chosen = tuple(int(i) for i in np.flatnonzero(np.asarray(result.x) > 1 / 2))
    return Solution(chosen, is_proven=result.status == 0, bound=-float(result.mip_dual_bound))

"""How the kernels are compiled: the flags, and why these.

``FAST`` lets LLVM reorder and fuse sums, but not assume that infinities and NaNs are absent: divergence must
stay visible. The activation test is compiled with ``EXACT`` so that it agrees bit for bit with dense code.
``DISJOINT`` promises that array arguments do not overlap; without it LLVM vectorizes none of the loops over
neurons, because it would have to check a dozen pointers against each other. A loop that both adds numbers up
and writes an array needs the promise for its last bits: the check takes arrays that lie close together for
overlapping, and the sum is then added up in another order. ``INLINE`` is for helpers that only kernels call:
no call with a dozen arrays on the stack, no wrapper for Python to compile.

What a kernel calls and what adds floating-point numbers is inlined for another reason, too: else there are
two copies of it, its own and that in its caller's object, optimized apart. Which of them is linked depends on
whether the code was compiled by this process or came from the disk, and with it the last bits.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler import Compiler

from stepscape.kernels.cache import can_cache


class _NoAlias(Compiler):
    """Numba's default pipeline with the `noalias` attribute on pointer arguments."""

    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()


EXACT: dict[str, Any] = {"error_model": "numpy", "nogil": True, "cache": can_cache()}
FAST: dict[str, Any] = {**EXACT, "fastmath": {"reassoc", "contract", "arcp", "nsz"}}
DISJOINT: dict[str, Any] = {**FAST, "pipeline_class": _NoAlias}
INLINE: dict[str, Any] = {"forceinline": True, "no_cpython_wrapper": True}

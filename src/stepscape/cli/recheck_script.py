"""The script that rechecks certificates, made of the modules of `stepscape.cli.recheck`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from importlib.resources import files

_MODULES = ("intervals", "network", "inertia", "inequalities", "claims")


def recheck_script() -> str:
    """Return `recheck.py`: one file without dependencies."""
    folder = files("stepscape.cli.recheck")
    head = (folder / "__init__.py").read_text(encoding="utf-8")
    imports: list[ast.Import | ast.ImportFrom] = []
    bodies = []
    for name in _MODULES:
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        nodes = ast.parse(source).body
        borrowed = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        imports += [node for node in borrowed if "stepscape" not in ast.unparse(node)]
        bodies.append("\n".join(source.split("\n")[borrowed[-1].end_lineno :]).strip("\n"))
    first = "from __future__ import annotations"
    return "\n\n".join([f"{head}\n{first}", f"{_listed(imports)}\n", "\n\n\n".join(bodies)]) + "\n"


def _listed(imports: Sequence[ast.Import | ast.ImportFrom]) -> str:
    """Write the modules and names that all files import, each once."""
    modules = sorted({name.name for node in imports if isinstance(node, ast.Import) for name in node.names})
    names: dict[str, set[str]] = {}
    for node in imports:
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            names.setdefault(node.module, set()).update(name.name for name in node.names)
    lines = [f"import {module}" for module in modules]
    return "\n".join(
        [*lines, *(f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names))]
    )

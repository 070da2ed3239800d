"""Sphinx configuration: MyST pages, the furo theme, nothing fetched from the network."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "src")]

import stepscape  # noqa: E402

project = "stepscape"
author = "The stepscape developers"
copyright = "the stepscape developers"
version = release = stepscape.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "plain_docstrings",
    "theorem_table",
    "ledger",
    "claim",
    "claim_gallery",
    "claim_paragraphs",
    "figure_gallery",
    "part",
    "captions",
    "command_line",
    "explorer_page",
    "benchmark_results",
]
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
smartquotes = False  # f'' is a second derivative, not a quotation
default_role = "literal"  # docstrings use single backticks for names

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
# Only base classes come from them, and importing them takes seconds.
autodoc_mock_imports = ["lightning", "pytorch_lightning", "transformers"]
python_maximum_signature_line_length = 88
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False

html_theme = "furo"
html_title = f"stepscape {release}"
html_static_path = ["_static"]
html_css_files = ["stepscape.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False

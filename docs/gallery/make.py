"""Make the pictures of the gallery: run the Python blocks of its page, which write them beside it."""

import os
import re
from pathlib import Path

HERE = Path(__file__).parent
code = re.findall(
    r"^```python\n(.*?)^```",
    (HERE / "index.md").read_text(encoding="utf-8"),
    re.DOTALL | re.MULTILINE,
)
os.chdir(HERE)
exec("\n".join(code), {"__name__": "gallery"})
Path("small.pdf").unlink()

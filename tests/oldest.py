"""Print the lower bounds of all dependencies in ``pyproject.toml`` as constraints for pip."""

import re
import sys
import tomllib
from pathlib import Path


def bounds(text: str) -> list[str]:
    """Return ``name==version`` of every dependency with a lower bound, those of the extras too."""
    project = tomllib.loads(text)["project"]
    listed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    found = {}
    for one in listed:
        match = re.match(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", one)
        if match:
            found[match[1]] = match[2] if match[2].count(".") > 1 else f"{match[2]}{'' if '.' in match[2] else '.0'}.*"
    return [f"{name}=={version}" for name, version in sorted(found.items())]


if __name__ == "__main__":
    print("\n".join(bounds(Path(sys.argv[1]).read_text(encoding="utf-8"))))

"""Count the house: lines by room, how many of them are texts and comments, and what the way of one verification takes.

Comments are lines with a ``#`` for a reader (not for a tool) by the lines of code, texts aside.

    python benchmarks/house.py
"""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "sigkd"
FOR_TOOLS = ("# noqa", "# type:", "# pragma")


def counts(path: Path) -> tuple[int, int, int, int]:
    """Return a file's lines, its lines of texts, of code, and its comments."""
    source = path.read_text(encoding="utf-8")
    texts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            texts |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    comments = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and not token.string.startswith(FOR_TOOLS)
    ]
    lines = source.splitlines()
    code = [
        number
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.strip().startswith("#") and number not in texts
    ]
    return len(lines), len(texts), len(code), len(comments)


def main() -> None:
    """Print the table."""
    rooms: dict[str, list[int]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        room = parts[0] if len(parts) > 1 else "(base)"
        rooms[room] = [a + b for a, b in zip(rooms.get(room, [0] * 4), counts(path), strict=True)]
    rooms["all"] = [sum(column) for column in zip(*rooms.values(), strict=True)]
    print(f"{'room':14}{'lines':>8}{'texts':>8}{'code':>8}{'comments':>10}{'by code':>9}")
    for room, (lines, texts, code, comments) in rooms.items():
        print(f"{room:14}{lines:8}{texts:8}{code:8}{comments:10}{comments / max(code, 1):9.1%}")


if __name__ == "__main__":
    main()

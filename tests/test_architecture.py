"""The house holds: rooms import downwards, the core neither prints nor knows Typer, imports are declared."""

import ast
import re
import sys
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "sigkd"
FLOORS = {
    "images": 0,
    "text": 1,
    "synthesis": 0,
    "datasets": 1,
    "models": 2,
    "distillation": 3,
    "gallery": 3,
    "verification": 4,
    "evaluation": 5,
    "cli": 6,
}
COMMAND_LINE = {"typer", "click", "rich", "argparse"}
IMPORTED_AS = {
    "opencv_python_headless": "cv2",
    "scikit_image": "skimage",
    "scikit_learn": "sklearn",
    "pillow": "PIL",
    "dask": "distributed",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE = [path for path in MODULES if "cli" not in path.relative_to(PACKAGE).parts]


def name(path):
    return path.relative_to(PACKAGE).as_posix()


def imports(path):
    """Every module that a file imports, wherever in it; imports for annotations only are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in annotations:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "sigkd":
                yield from (f"sigkd.{alias.name}" for alias in node.names)
            yield node.module


def floor(module):
    """The floor of the room to which a module belongs, or None."""
    parts = module.split(".")
    return FLOORS.get(parts[1]) if parts[0] == "sigkd" and len(parts) > 1 else None


def test_a_room_never_imports_a_higher_one():
    wrong = []
    for path in MODULES:
        own = FLOORS.get(path.relative_to(PACKAGE).parts[0])
        if own is not None:  # the package's own modules serve every room
            wrong += [(name(path), module) for module in imports(path) if (floor(module) or 0) > own]
    assert not wrong


def test_the_core_never_prints_and_knows_no_command_line():
    wrong = []
    for path in CORE:
        wrong += [(name(path), module) for module in imports(path) if module.split(".")[0] in COMMAND_LINE]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                wrong.append((name(path), node.lineno))
    assert not wrong


def test_nothing_is_unpickled():
    unsafe = re.compile(r"allow_pickle\s*=\s*True|weights_only\s*=\s*False|joblib\.load\(|pickle\.loads?\(")
    assert not [name(path) for path in MODULES if unsafe.search(path.read_text(encoding="utf-8"))]


def test_every_import_is_declared():
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (entry for group in project["optional-dependencies"].values() for entry in group)
    packages = {
        re.split(r"[\[<>=!~; ]", entry)[0].lower().replace("-", "_") for entry in [*project["dependencies"], *extras]
    }
    known = {IMPORTED_AS.get(package, package) for package in packages} | sys.stdlib_module_names | {"sigkd"}
    used = {module.split(".")[0]: name(path) for path in MODULES for module in imports(path)}
    assert not {module: where for module, where in used.items() if module not in known}

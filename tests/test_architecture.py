"""The house holds: rooms import what they may, no circles, a core without Typer and print, declared imports."""

import ast
import re
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sigkd"
BASE = {
    "_version",
    "configuration",
    "errors",
    "files",
    "json_documents",
    "paths",
    "pools",
    "progress",
    "registry",
    "rendering",
    "words",
}
"""Modules that serve every room and import none."""
ROOMS = {
    "measures": set(),
    "images": set(),
    "documents": {"images"},
    "synthesis": set(),
    "datasets": {"images"},
    "text": {"images", "datasets"},
    "models": {"images", "synthesis", "datasets"},
    "classifiers": {"measures", "datasets", "models"},
    "gallery": {"images", "models", "classifiers"},
    "distillation": {"measures", "synthesis", "datasets", "models"},
    "verification": {"measures", "images", "documents", "synthesis", "datasets", "models", "classifiers", "gallery"},
    "evaluation": {"measures", "images", "synthesis", "datasets", "models", "classifiers", "verification"},
    "demo": {"synthesis"},
}
"""What each room may import besides itself and the base modules; ``cli`` may import all of them."""
FLOORS = (
    "scale decision ranges codes calibration calibrations policy policy_document",  # from scores to answers
    "samples remarks result choices comparison elsewhere enrolled verifier wording",  # the way of one verification
    "report",  # what people read of it
)
"""Modules of ``verification`` from the ground up; those that are not named (tables, many at once) are above them."""
LONGEST_WAY = 2500
"""Lines that somebody has to read to know how one signature is verified, report and calibration aside."""
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


def module(path):
    return ".".join(("sigkd", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def room(dotted):
    """The room (or base module) of a module of the package; "" for the package itself."""
    return (*dotted.split("."), "")[1]


FILES = {module(path): path for path in MODULES}


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
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else node.module


def test_a_room_imports_only_the_rooms_that_it_may():
    wrong = []
    for path in MODULES:
        own = room(module(path))
        allowed = {own} | BASE | ROOMS.get(own, set())
        if own in BASE:
            allowed = BASE
        if own in ("cli", "__main__"):
            allowed |= {"cli", "", *ROOMS}
        if own == "":  # the public interface, resolved on first use
            allowed |= {"documents", "verification"}
        wrong += [(name(path), other) for other in imports(path) if other in FILES and room(other) not in allowed]
    assert not wrong


def test_every_room_is_listed_and_none_is_in_a_circle():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders - {"cli", *ROOMS} == set()
    list(TopologicalSorter(ROOMS).static_order())  # raises CycleError


def floor(dotted):
    part = [*dotted.split("."), "", ""][2]
    return next((number for number, names in enumerate(FLOORS) if part in names.split()), len(FLOORS))


def test_verification_has_floors_and_its_way_is_short():
    own = {dotted: path for dotted, path in FILES.items() if dotted.startswith("sigkd.verification.")}
    assert {floor(dotted) for dotted in own} == {0, 1, 2, 3}
    wrong = [
        (name(path), other)
        for dotted, path in own.items()
        for other in imports(path)
        if other in own and floor(other) > floor(dotted)
    ]
    assert not wrong
    way = [path for dotted, path in own.items() if floor(dotted) == 1]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in way) <= LONGEST_WAY


def test_no_files_import_each_other_in_a_circle():
    graph = {own: {other for other in imports(path) if other in FILES} for own, path in FILES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_core_never_prints_and_knows_no_command_line():
    wrong = []
    for path in CORE:
        wrong += [(name(path), module) for module in imports(path) if module.split(".")[0] in COMMAND_LINE]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                wrong.append((name(path), node.lineno))
    assert not wrong


def test_errors_name_parameters_not_options():
    """The core says `far`, and the command line writes --far; whole commands to type are another matter."""
    option, command, wrong = re.compile(r"(?<![\w'/-])--[a-z]"), re.compile(r"'?sigkd [a-z][^']*'?"), []
    for path in CORE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            told = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "warn"
            if isinstance(node, ast.Raise) or told:
                words = "".join(
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )
                if option.search(command.sub("", words)):
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

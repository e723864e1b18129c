"""What each part of the method brings: losses, ties, teacher, whitening and views, over seeds and over writers.

    python benchmarks/ablations.py OUT --text text --datasets 'dutch-views[choose]' 'dutch-views[report]' nfi-views
    python benchmarks/ablations.py OUT ... --tables                  # only the tables of what is there

Every row is trained from random weights by `sigkd distill` with every seed; rows of one seed see the same images in the
same order. A row is a loss, with options of `sigkd distill` after commas (`geom+bc,ties=index`), or `random`: no
training. Each network is looked at in four ways: as trained or whitened (principal axes of made-up signatures, none of
a person), in one view (the first of the sets, which are prepared in views) or in all of them. What is finished is kept
in OUT and in the runs of the data directory, so that the same command goes on after an interruption and more rows,
seeds or datasets can be added. Size: --images, --epochs, --seeds.

Tables: mean and standard deviation over seeds; differences of pairs of rows with the interval and p of a bootstrap that
draws seeds and writers, Holm over the pairs of a table.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from sigkd.cli.distilling import distill_process
from sigkd.cli.output import show
from sigkd.cli.tables import grid_tables
from sigkd.datasets.prepared import PreparedSignatures, find_prepared
from sigkd.evaluation.evaluate import Settings, Source, evaluate_features
from sigkd.evaluation.protocol import default_protocol
from sigkd.evaluation.results import Result, Results
from sigkd.evaluation.seeds import SeedComparisons, compare_seeds, seed_grids
from sigkd.files import atomic_path, write_json
from sigkd.images.placing import Placing
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_model
from sigkd.models.strangers import disturbed_strangers
from sigkd.models.whitening import linear_network, principal_axes
from sigkd.paths import data_dir, run_path

ROWS = (
    *("random", "cl", "geom+bc", "geom+bc,ties=index", "geom+bc,ties=random", "geom", "bc"),
    "geom+bc,teacher=signet:random",
)
STRANGERS, TEACHER = "made-up", "sigkd-signet"
BOUND = ("student", "teacher", "text", "precision", "count", "views", "components")
"""Options that the names of kept files do not tell."""


def bind(options: argparse.Namespace) -> None:
    """Keep what OUT is made with, and refuse other options: numbers of two kinds would stand in one table."""
    path, given = options.out / "options.json", {name: getattr(options, name) for name in BOUND}
    made = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else given
    if other := [name for name in BOUND if made[name] != given[name]]:
        sys.exit(f"{options.out}: made with --{other[0]} {made[other[0]]}; give the same, or another folder")
    write_json(path, given)


def key(text: str) -> str:
    """Return a name for files."""
    return re.sub(r"[^\w.+-]+", "_", text)


def model_of(row: str, seed: int, options: argparse.Namespace) -> str:
    """Return what --model would name, trained first where it is not there yet."""
    if row == "random":
        return f"{options.student}:random:{seed}"
    loss, *further = row.split(",")
    name = key(f"ablation-{options.student}-{row}-{options.text}-{options.images}i-{options.epochs}e-{seed}")
    name += "" if options.teacher == TEACHER else f"-{key(options.teacher)}"
    run = run_path(name, data_dir())
    final = run / "final.safetensors"
    if not final.is_file():
        given = dict(part.split("=", 1) for part in further)
        arguments = {"student": options.student, "loss": loss, "teacher": options.teacher, "data": options.text}
        arguments |= {"max-images": options.images, "epochs": options.epochs, "seed": seed, "name": name}
        arguments |= {"supervision": "online" if options.epochs == 1 else "auto", "validation-images": 0, **given}
        words = [word for option, value in arguments.items() for word in (f"--{option}", str(value))]
        words += ["--precision", options.precision]
        if (run / "last.ckpt").is_file():
            words.append("--resume")
        distill_process(data_dir())(words, None)
    return str(final)


def responses(network, images: np.ndarray, options: argparse.Namespace) -> np.ndarray:
    """Return the responses before the last ReLU, float16 [n, F], to images [n, H, W] of one view."""
    chosen = "bfloat16" if options.precision == "bfloat16" else "float32"
    return extract_features(LoadedModel(network, "", ""), images, precision=chosen).astype(np.float16)


def strangers(views: tuple[str, ...], options: argparse.Namespace) -> np.ndarray:
    """Return the made-up signatures in the views, drawn once."""
    path = options.out / f"{STRANGERS}-{options.count}.npz"
    if not path.is_file():
        images, _, _ = disturbed_strangers(Placing(views=views), (), count=options.count, seed=1)
        with atomic_path(path) as part, part.open("wb") as file:
            np.savez_compressed(file, images=images)
    with np.load(path) as kept:
        return kept["images"]


def signatures(name: str) -> PreparedSignatures:
    """Return a dataset without the writers of whom there are no forgeries."""
    whole = find_prepared(name, data_dir())
    forged = np.isin(whole.y, whole.y[whole.yforg == 1])
    return PreparedSignatures(
        whole.x[forged],
        whole.y[forged],
        whole.yforg[forged],
        [whole.filenames[row] for row in np.flatnonzero(forged)],
        whole.writers,
        whole.metadata,
    )


def kept(row: str, seed: int, name: str, view: str, options: argparse.Namespace) -> Path:
    """Return the file of a network's responses to a set in one view."""
    size = "" if row == "random" else f"-{options.images}i-{options.epochs}e"
    return options.out / "responses" / f"{key(row)}{size}-{seed}-{key(name)}-{key(view)}.npy"


def look(row: str, seed: int, options: argparse.Namespace) -> None:
    """Keep a row's responses to the strangers and to every dataset, in every view."""
    names = (STRANGERS, *options.datasets)
    missing = [
        (name, view) for name in names for view in options.views if not kept(row, seed, name, view, options).is_file()
    ]
    if not missing:
        return
    network = linear_network(load_model(model_of(row, seed, options)).network)
    images, places = {}, {}
    for name, view in missing:
        if name not in images:
            places[name] = list(signatures(options.datasets[0]).metadata["views"])
            images[name] = strangers(tuple(places[name]), options) if name == STRANGERS else signatures(name).x
        path = kept(row, seed, name, view, options)
        path.parent.mkdir(parents=True, exist_ok=True)
        found = responses(network, np.ascontiguousarray(images[name][:, places[name].index(view)]), options)
        with atomic_path(path) as part, part.open("wb") as file:
            np.save(file, found)
    print(f"{row}, seed {seed}: done", file=sys.stderr, flush=True)


def ways(options: argparse.Namespace) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Return the ways to look at a network: whitened or not, in which views."""
    first, every = tuple(options.views[:1]), tuple(options.views)
    found = {"as trained, one view": (False, first), "whitened, one view": (True, first)}
    if len(every) > 1:
        found |= {"as trained, all views": (False, every), "whitened, all views": (True, every)}
    return found


def features(row: str, seed: int, name: str, way: tuple[bool, tuple[str, ...]], options: argparse.Namespace):
    """Return the features float32 [n, D] of a dataset in one of the ways; None where the network is not there yet."""
    white, views = way
    files = [kept(row, seed, part, view, options) for part in (STRANGERS, name) for view in views]
    if not all(file.is_file() for file in files):
        return None
    parts = []
    for view in views:
        values = np.load(kept(row, seed, name, view, options)).astype(np.float32)
        if not white:
            parts.append(values.clip(0))
            continue
        mean, axes, _ = principal_axes(np.load(kept(row, seed, STRANGERS, view, options)))
        parts.append(((values - mean) @ axes[:, : options.components]).astype(np.float32))
    return np.concatenate(parts, axis=1)


def evaluated(row: str, seed: int, name: str, way: str, options: argparse.Namespace) -> Results | None:
    """Return the results of a network on a dataset, from the disk if they are there."""
    described = f"{kept(row, seed, name, way, options).stem}-{options.nref}-{options.splits}-{len(options.views)}"
    path = options.out / "results" / f"{described}.json"
    if path.is_file():
        return Results.read(path)
    values = features(row, seed, name, ways(options)[way], options)
    if values is None:
        return None
    store = signatures(name)
    protocol = default_protocol(str(store.metadata.get("layout")), "paper", None)
    found = evaluate_features(
        values,
        store.y,
        store.yforg,
        options.nref,
        options.splits,
        protocol=protocol,
        settings=Settings(bootstrap=0),
        source=Source(dataset=name, model=f"{row}, seed {seed}"),
        skip_short=True,
    )
    found.save(path)
    return found


def pairs_of(rows: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is compared: losses with `cl`, and changes of a loss with the loss as it is."""
    plain = [row for row in rows if "," not in row and row != "cl"]
    changed = [row for row in rows if "," in row]
    pairs = [(row, "cl") for row in plain] + [(row, row.split(",")[0]) for row in changed]
    pairs += [(a, b) for a, b in combinations(changed, 2) if a.split("=")[0] == b.split("=")[0]]
    return [(a, b) for a, b in pairs if a in rows and b in rows]


def tables(options: argparse.Namespace) -> SeedComparisons:
    """Compare the rows in each way, and the ways of each row, on every dataset."""
    made = []
    for name in options.datasets:
        found: dict[str, dict[str, dict[int, Result]]] = {}
        for way in ways(options):
            for row in options.rows:
                runs = {seed: evaluated(row, seed, name, way, options) for seed in options.seeds}
                there = {seed: results.results[0] for seed, results in runs.items() if results is not None}
                if there:
                    found.setdefault(way, {})[row] = there
        protocol = default_protocol(str(signatures(name).metadata.get("layout")), "paper", None)
        for metric in options.metrics:
            for way, systems in found.items():
                one = compare_seeds(systems, metric, protocol, pairs=pairs_of(list(systems)))
                made.append(replace(one, dataset=f"{name}, {way}"))
            turned = {f"{row}, {way}": found[way][row] for row in options.rows for way in found if row in found[way]}
            pairs = [
                (f"{row}, {a}", f"{row}, {b}") for row in options.rows for b, a in combinations(found, 2)
                if f"{row}, {a}" in turned and f"{row}, {b}" in turned
            ]  # fmt: skip
            made.append(replace(compare_seeds(turned, metric, protocol, pairs=pairs), dataset=f"{name}, ways to look"))
    return SeedComparisons(comparisons=made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", default="text", help="prepared text sets, joined by +")
    parser.add_argument("--datasets", nargs="+", default=["dutch-views[choose]", "dutch-views[report]", "nfi-views"])
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--student", default="resnet18")
    parser.add_argument("--teacher", default=TEACHER)
    parser.add_argument("--images", type=int, default=60000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--count", type=int, default=1500, help="made-up signatures behind the axes")
    parser.add_argument("--views", nargs="+", default=["60.5mm", "38.1mm", "fitted"], help="of the datasets")
    parser.add_argument("--components", type=int, default=480, help="axes a view that whitening keeps")
    parser.add_argument("--nref", type=int, default=5)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--metrics", nargs="+", default=["eer_user", "eer_global"])
    parser.add_argument("--tables", action="store_true", help="train nothing: the tables of what is there")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bind(options)
    for seed in [] if options.tables else options.seeds:
        for row in options.rows:
            look(row, seed, options)
    show(
        tables(options),
        options.json,
        lambda made: grid_tables([one for own in made.comparisons for one in seed_grids(own)]),
    )


if __name__ == "__main__":
    main()

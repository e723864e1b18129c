"""What each part of the method brings: losses, ties, teacher, whitening and views, over seeds and over writers.

    python benchmarks/ablations.py OUT --text text --datasets 'dutch-views[choose]' 'dutch-views[report]' nfi-views
    python benchmarks/ablations.py OUT --tables                      # only the tables of what is there

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
import re
import sys
from pathlib import Path

import numpy as np

from sigkd.cli.distilling import distill_process
from sigkd.datasets.prepared import PreparedSignatures, find_prepared
from sigkd.files import atomic_path
from sigkd.images.placing import Placing
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_model
from sigkd.models.strangers import disturbed_strangers
from sigkd.models.whitening import linear_network
from sigkd.paths import data_dir, run_path

ROWS = (
    *("random", "cl", "geom+bc", "geom+bc,ties=index", "geom+bc,ties=random", "geom", "bc"),
    "geom+bc,teacher=signet:random",
)
STRANGERS = "made-up"


def key(text: str) -> str:
    """Return a name for files."""
    return re.sub(r"[^\w.+-]+", "_", text)


def model_of(row: str, seed: int, options: argparse.Namespace) -> str:
    """Return what --model would name, trained first where it is not there yet."""
    if row == "random":
        return f"{options.student}:random:{seed}"
    loss, *further = row.split(",")
    name = key(f"ablation-{options.student}-{row}-{options.text}-{options.images}i-{options.epochs}e-{seed}")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", default="text", help="prepared text sets, joined by +")
    parser.add_argument("--datasets", nargs="+", default=["dutch-views[choose]", "dutch-views[report]", "nfi-views"])
    parser.add_argument("--rows", nargs="+", default=list(ROWS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--student", default="resnet18")
    parser.add_argument("--teacher", default="sigkd-signet")
    parser.add_argument("--images", type=int, default=60000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--count", type=int, default=1500, help="made-up signatures behind the axes")
    parser.add_argument("--views", nargs="+", default=["60.5mm", "38.1mm", "fitted"], help="of the datasets")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for row in options.rows:
            look(row, seed, options)


if __name__ == "__main__":
    main()

"""Whitening against its rivals: which turn or scale of the features verifies best, at one and the same classifier.

    python benchmarks/whitening_rivals.py OUT --datasets 'dutch-views[choose]' 'dutch-views[report]' nfi-views

From the responses of one network before its last ReLU, in the views that the datasets are prepared in:

    plain     as trained: after the ReLU
    linear    before it
    cosine    before it, less the mean of strangers, divided by the length in each view
    pca       along the principal axes of strangers: `sigkd whiten`, the leading ones in each view
    zca       the same turned back to the elements, after division by the standard deviations
    wccn      along the axes in which signatures of one person differ, by their rising share of the strangers' variance
    text      pca with crops of text in place of signatures (--text)

Strangers are made-up signatures, --writers people with --copies each: nobody's, and nothing of the datasets. Each is
verified by the writer-dependent classifier, whose scaling divides every element by its standard deviation. Pairs are
tested against `pca` by the paired bootstrap over writers, with Holm's correction. Responses are kept in OUT.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from ablations import key, signatures

from sigkd.cli.output import show
from sigkd.cli.tables import grid_tables
from sigkd.datasets.textset import find_text
from sigkd.errors import ImageError
from sigkd.evaluation.comparison import Comparisons, comparison_grids
from sigkd.evaluation.evaluate import Settings, Source, evaluate_features
from sigkd.evaluation.protocol import default_protocol
from sigkd.evaluation.significance import compare
from sigkd.files import atomic_path
from sigkd.images.placing import Placing
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, load_model
from sigkd.models.whitening import linear_network, principal_axes
from sigkd.paths import data_dir
from sigkd.synthesis import signature_image
from sigkd.synthesis.signatures import DPI

STRANGERS, TEXT = "made-up", "text"


def people(views: tuple[str, ...], options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Return made-up signatures uint8 [n, V, H, W] and whose they are."""
    place, images, owners = Placing(views=views, dpi=DPI), [], []
    for writer in range(options.writers):
        try:
            own = [place(signature_image(writer, copy, seed=2)).image for copy in range(options.copies)]
        except ImageError:  # a pen too pale for the paper
            continue
        images += own
        owners += [writer] * len(own)
    return np.stack(images), np.array(owners)


def responses(options: argparse.Namespace, name: str, make) -> np.ndarray:
    """Return the responses float32 [n, V, F] to what ``make`` returns, computed once."""
    model = load_model(options.model)  # by its hash: the networks of all runs are called final.safetensors
    path = options.out / f"{key(Path(options.model).stem)}-{model.hash[:8]}-{key(name)}.npy"
    if not path.is_file():
        bare = LoadedModel(linear_network(model.network), "", "")
        images = make()
        found = [
            extract_features(bare, np.ascontiguousarray(images[:, view]), precision=options.precision)
            for view in range(images.shape[1])
        ]
        with atomic_path(path) as part, part.open("wb") as file:
            np.save(file, np.stack(found, axis=1).astype(np.float16))
        print(f"{name}: done", file=sys.stderr, flush=True)
    return np.load(path).astype(np.float32)


def within_axes(values: np.ndarray, owners: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and axes [F, k] by the share of what differs between people, scaled to unit variance within them.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006), among the leading axes,
    where it can be estimated.
    """
    from scipy.linalg import eigh

    mean, axes, variances = principal_axes(values)
    leading = axes[:, :components]
    turned = (values - mean) @ leading
    differences = np.concatenate([turned[owners == one] - turned[owners == one].mean(0) for one in np.unique(owners)])
    within = differences.T @ differences / (len(differences) - len(np.unique(owners)))
    within += 1e-2 * np.trace(within) / len(within) * np.eye(len(within))
    _, solved = eigh(np.diag(variances[:components]), within)
    return mean, leading @ solved[:, ::-1]


def ways(strangers: np.ndarray, owners: np.ndarray, text: np.ndarray | None, components: int) -> dict:
    """Return what makes features [n, D] of responses [n, V, F], by its name."""
    views = range(strangers.shape[1])
    first = strangers[np.unique(owners, return_index=True)[1]]  # one signature of each person

    def along(bases):
        return lambda values: np.concatenate(
            [(values[:, view] - mean) @ axes for view, (mean, axes) in zip(views, bases, strict=True)], axis=1
        )

    def leading(samples):
        found = [principal_axes(samples[:, view]) for view in views]
        return [(mean, axes[:, :components]) for mean, axes, _ in found]

    def whole(samples):
        found = [principal_axes(samples[:, view]) for view in views]
        kept = [(mean, axes[:, :components], variances[:components]) for mean, axes, variances in found]
        return [(mean, axes / np.sqrt(variances.clip(1e-9)) @ axes.T) for mean, axes, variances in kept]

    def cosine(values):
        centred = values - first.mean(axis=0)
        return (centred / np.linalg.norm(centred, axis=2, keepdims=True).clip(1e-9)).reshape(len(values), -1)

    found = {
        "pca": along(leading(first)),
        "plain": lambda values: values.clip(0).reshape(len(values), -1),
        "linear": lambda values: values.reshape(len(values), -1),
        "cosine": cosine,
        "zca": along(whole(first)),
        "wccn": along([within_axes(strangers[:, view], owners, components) for view in views]),
    }
    if text is not None:
        found["text"] = along(leading(text))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="sigkd-resnet18")
    parser.add_argument("--datasets", nargs="+", default=["dutch-views[choose]", "dutch-views[report]", "nfi-views"])
    parser.add_argument("--text", help="prepared text set with the same views; its crops as they come")
    parser.add_argument("--writers", type=int, default=1000, help="made-up people")
    parser.add_argument("--copies", type=int, default=2, help="signatures of each of them")
    parser.add_argument("--views", type=int, default=0, help="only so many of the views; 0: all")
    parser.add_argument("--components", type=int, default=480, help="axes a view")
    parser.add_argument("--nref", type=int, default=5)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--metrics", nargs="+", default=["eer_user", "eer_global"])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stores = {name: signatures(name) for name in options.datasets}
    seen = tuple(stores[options.datasets[0]].metadata["views"])
    made = f"{STRANGERS}-{options.writers}x{options.copies}"
    labels = options.out / f"{made}-owners.npy"

    def draw() -> np.ndarray:
        images, owners = people(seen, options)
        np.save(labels, owners)
        return images

    def crops() -> np.ndarray:
        images = find_text(options.text, data_dir()).images
        chosen = np.sort(np.random.default_rng(0).permutation(len(images))[: options.writers])
        return np.repeat(np.asarray(images[chosen])[:, None], len(seen), axis=1)

    shown = slice(options.views or None)
    strangers = responses(options, made, draw)[:, shown]
    text = responses(options, f"{TEXT}-{options.text}", crops)[:, shown] if options.text else None
    makers = ways(strangers, np.load(labels), text, options.components)
    comparisons = []
    for name, store in stores.items():
        values = responses(options, name, lambda store=store: store.x)[:, shown]
        protocol, entries = default_protocol(str(store.metadata.get("layout")), "paper", None), []
        for way, make in makers.items():
            source = Source(dataset=name, model=way)
            features = make(values).astype(np.float32)
            settings = Settings(bootstrap=1000)
            found = evaluate_features(
                features, store.y, store.yforg, options.nref, options.splits,
                protocol=protocol, settings=settings, source=source, skip_short=True,
            )  # fmt: skip
            entries += found.results
        comparisons += [compare(entries, list(makers), metric, protocol, by="writer") for metric in options.metrics]
    document = Comparisons(warning=None, comparisons=comparisons)
    show(document, options.json, lambda made: grid_tables(comparison_grids(made)))


if __name__ == "__main__":
    main()

"""Whitening: features along the principal axes of a network's responses, so that no direction drowns the others.

Before its last ReLU a network's response is z = BN(W x). Over signatures its 2048 elements vary together: almost all of
the variance lies along a few axes (how much ink there is, how thick the pen), and the differences between a genuine
signature and a forgery lie along the others. With V the eigenvectors of cov(z) over images of strangers, and m their
mean, the feature

    y = V' (z - m)

has uncorrelated elements. V is a rotation: distances stay. What changes is what the verifiers do next: they divide
every element by its standard deviation (METHOD of Hafemann et al. 2017), which now gives every *direction* the same
weight: the Mahalanobis distance in place of one that follows the ink. That is whitening by principal components
(K. Fukunaga, Introduction to Statistical Pattern Recognition, 2nd ed. 1990, Section 2.3; A. Kessy, A. Lewin and K.
Strimmer, Optimal whitening and decorrelation, The American Statistician 72, 2018), estimated on strangers.

BN and the rotation are affine, so they are folded into W: a whitened network has the size and the speed of before.

Along some axes two scans of one signature differ as much as signatures of two people: another pen, a black and white
scan. With S the covariance of z over strangers and N the mean of d d', where d is what a disturbance of the scan adds
to a signature's z, the axes a that have the largest

    a' S a / a' (S + N) a

are those along which people differ and scans do not: Fisher's discriminant with each signature as a class and its
disturbed scans as the members (R. A. Fisher 1936; K. Fukunaga, as above, Chapter 10). They serve views alone
(:func:`steady_axes`), which keep few axes anyway.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sigkd.errors import ModelError, UsageError
from sigkd.images.placing import Placing
from sigkd.json_documents import JsonDocument
from sigkd.models.export import provenance, without_head
from sigkd.models.extract import extract_features
from sigkd.models.io import LoadedModel, save_model
from sigkd.models.state import state_hash
from sigkd.models.strangers import MADE_UP, disturbed_strangers, stranger_images
from sigkd.models.views import Projection, to_state
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    from sigkd.models.registry import FeatureNetwork

COUNT = 6000
"""Images from which the axes are estimated, unless another number is asked for: about three a dimension."""
COMPONENTS = 512
"""Axes kept in each view: with four views the features are as many as those of one network."""
_PRINCIPAL = 512
"""Leading principal axes among which steady ones are sought: along the others signatures hardly differ, so that their
shares are those of a few samples."""
SEED = 1
"""Of the made-up writers. Not the default cohort's (0): its signatures are strangers to the axes."""


def principal_axes(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean [D], axes [D, D] (columns, orthonormal, by falling variance) and variances [D] of ``values`` [n, D].

    The sign of an axis is free; here its largest element is positive.
    """
    samples = np.asarray(values, np.float64)
    mean = samples.mean(axis=0)
    # Symmetric, so eigh: real, orthonormal, and ascending, which is turned round below.
    variances, axes = np.linalg.eigh(np.cov(samples, rowvar=False))
    variances, axes = variances[::-1], axes[:, ::-1]
    largest = np.abs(axes).argmax(axis=0)
    return mean, axes * np.sign(axes[largest, np.arange(axes.shape[1])]), variances.clip(min=0.0)


def steady_axes(
    values: NDArray[Any], disturbed: NDArray[Any], owners: NDArray[np.int64], components: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean [D], axes [D, k] (columns of length 1) and their shares [k], falling: a'Sa / a'(S + N)a.

    The features along them are uncorrelated, over strangers and over what disturbances add.

    Args:
        values: responses of strangers [n, D].
        disturbed: responses of disturbed scans of them [m, D].
        owners: which of the n each of these is of, [m].
        components: k.
    """
    from scipy.linalg import eigh  # half a second that a model in use does not need

    mean, axes, variances = principal_axes(values)
    # Directions without variance would have shares of 0 / 0.
    leading = axes[:, : max(components, min(_PRINCIPAL, np.count_nonzero(variances > 1e-9 * variances[0])))]
    between = np.diag(variances[: leading.shape[1]])
    # What a disturbance does to one and the same signature: N, the noise.
    moved = (np.asarray(disturbed, np.float64) - np.asarray(values, np.float64)[owners]) @ leading
    shares, turned = eigh(between, between + moved.T @ moved / len(moved))
    chosen = leading @ turned[:, ::-1][:, :components]
    return mean, chosen / np.linalg.norm(chosen, axis=0), shares[::-1][:components]


def linear_network(network: FeatureNetwork) -> FeatureNetwork:
    """Return a copy of ``network`` without head, whose response is that before the ReLU."""
    linear = copy.deepcopy(without_head(network)).cpu().float().eval()
    linear.make_linear()
    return linear


def _last_layers(network: FeatureNetwork) -> tuple[nn.Linear, nn.BatchNorm1d]:
    layer, norm = network.response_block[0], network.response_block[1]
    assert isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d)  # noqa: S101 - response_block's promise
    return layer, norm


@torch.no_grad()
def fold(network: FeatureNetwork, mean: NDArray[np.float64], axes: NDArray[np.float64]) -> None:
    """Turn the response z of a network without ReLU into ``axes' (z - mean)``, inside its last layer.

    With z = s * W x + b (batch norm's scale and shift, element by element): W becomes V' diag(s) W, and batch norm only
    adds V' (b - m).
    """
    layer, norm = _last_layers(network)
    assert norm.running_mean is not None and norm.running_var is not None  # noqa: S101 - batch norm of a trained network
    # In float64: folding twice rounds once.
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - scale * norm.running_mean.double()
    turn = torch.from_numpy(np.ascontiguousarray(axes.T))
    layer.weight.copy_(turn @ (scale[:, None] * layer.weight.double()))
    norm.bias.copy_(turn @ (shift - torch.from_numpy(mean)))
    norm.weight.fill_(1.0)
    norm.running_mean.zero_()
    # So that batch norm divides by sqrt(1 - eps + eps) = 1.
    norm.running_var.fill_(1.0 - norm.eps)


def _check(model: LoadedModel, count: int, components: int | None = None) -> None:
    """Refuse what cannot be whitened, before minutes of work.

    Without ``components``, for one canvas; else for views that keep so many axes each.
    """
    if model.network.architecture == "onnx":
        raise UsageError(f"'{model.name}' is an ONNX graph; whitening needs the network's own layers")
    if model.projections or (model.network.whitened and components is None):
        raise UsageError(f"'{model.name}' is whitened already")
    features = _last_layers(model.network)[0].out_features
    wanted = components or features  # the leading axes of many are known from fewer images
    if count < 2 * wanted:
        raise UsageError(f"{count} images are too few for {wanted} axes; {2 * wanted} are needed")
    if components is not None and not 0 < components <= features:
        raise UsageError(f"a view keeps from 1 to {features} components, not {components}")


def whiten(
    model: LoadedModel,
    images: NDArray[np.uint8],
    facts: dict[str, Any],
    *,
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> LoadedModel:
    """Return ``model`` with its features along the principal axes of its responses to ``images``.

    Args:
        model: a torch network that is not whitened yet.
        images: normalised images of strangers, uint8 [n, 170, 242]; at least twice as many as features.
        facts: where they are from; kept in the metadata under ``whitening``.
        device: where responses are computed.
        progress: where the work is reported.

    Raises:
        UsageError: an ONNX graph, a network whitened before, or too few images.
    """
    _check(model, len(images))
    network = linear_network(model.network)
    values = extract_features(LoadedModel(network, model.name, ""), images, device=device, progress=progress)
    mean, axes, variances = principal_axes(values)
    if not variances[0] > 0:
        raise ModelError(f"'{model.name}' gives every image the same features: it cannot be whitened")
    network.cpu()
    fold(network, mean, axes)
    spread = float(variances.sum() ** 2 / (variances**2).sum())  # participation ratio: how many axes carry the variance
    metadata = {**provenance(model), "whitening": {**facts, "images": len(images), "effective_axes": spread}}
    return LoadedModel(
        network, model.name, state_hash(network.state_dict()), model.preprocess_version, model.canvas, metadata
    )


def whiten_views(
    model: LoadedModel,
    images: NDArray[np.uint8],
    views: Sequence[str],
    components: int,
    facts: dict[str, Any],
    *,
    disturbed: NDArray[np.uint8] | None = None,
    owners: NDArray[np.int64] | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> LoadedModel:
    """Return a model that looks at several views and keeps the leading principal axes of its responses in each.

    With ``disturbed`` scans they are the steady axes.

    Args:
        model: a torch network with one canvas. A whitened one serves too: its response is the same but for a rotation.
        images: strangers placed in the views, uint8 [n, V, 170, 242]; n at least twice as many as components.
        views: names of the views; those without a scale come last.
        components: axes kept in each view; the feature has V times as many elements.
        facts: where the images are from.
        disturbed: other scans of the strangers, uint8 [m, V, 170, 242].
        owners: which of the strangers each of these is of, int64 [m].
        device: where responses are computed.
        progress: where the work is reported.

    Raises:
        UsageError: an ONNX graph, a model that has views, too few images or too many components.
    """
    _check(model, len(images), components)
    network = linear_network(model.network)
    projections, spread = [], []
    for number, name in enumerate(views):
        # the response of one view at a time: all of them for thousands of images would take gigabytes
        bare = LoadedModel(network, f"{model.name} {name}", "")
        values = extract_features(bare, images[:, number], device=device, progress=progress)
        mean, axes, variances = principal_axes(values)
        if not variances[0] > 0:
            raise ModelError(f"'{model.name}' gives every image the same features: it cannot be whitened")
        if disturbed is not None and owners is not None:
            worse = extract_features(bare, disturbed[:, number], device=device, progress=progress)
            mean, axes, _ = steady_axes(values, worse, owners, components)
        leading = torch.from_numpy(np.ascontiguousarray(axes[:, :components], np.float32))
        projections.append(Projection(name, torch.from_numpy(mean.astype(np.float32)), leading))
        spread.append(float(variances.sum() ** 2 / (variances**2).sum()))
    network.cpu()
    placing = Placing(views=tuple(views))
    whitening = {**facts, "images": len(images), "components": components, "effective_axes": spread}
    metadata = {**provenance(model), "preprocess_version": placing.version, "whitening": whitening}
    # The projections are part of the model: with others its features are other ones, and so must its hash be.
    state = {**network.state_dict(), **to_state(projections)}
    return LoadedModel(
        network, model.name, state_hash(state), placing.version, model.canvas, metadata, tuple(projections)
    )


class Whitening(JsonDocument, format="sigkd-whitening", version=1):
    """What ``sigkd whiten`` prints: a model's file whose features lie along principal axes."""

    out: Path
    bytes: int
    hash: str
    """SHA-256 of the weights."""
    images: int
    """How many images the axes are from."""
    source: str
    """What images."""
    content_hash: str | None = None
    """Of the dataset that they are of."""
    seed: int
    components: int | None = None
    """Axes kept in each view; None: all of them, on one canvas."""
    views: list[str]
    """Names of the views; none: one canvas."""
    disturbances: list[str] = field(default_factory=list)
    """What the axes are steady under."""
    effective_axes: list[float]
    """How many axes carried the variance before (participation ratio), in each view."""


def whiten_file(
    model: LoadedModel,
    path: Path,
    sources: Sequence[str],
    *,
    data: Path,
    count: int = COUNT,
    seed: int = SEED,
    half: bool = False,
    views: Sequence[str] = (),
    components: int = COMPONENTS,
    disturbances: Sequence[str] = (),
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> Whitening:
    """Whiten ``model`` on images of strangers and write it to ``path``.

    With ``views`` it is :func:`whiten_views`. ``sources``, ``data``, ``count`` and ``seed`` are those of
    :func:`sigkd.models.strangers.stranger_images`, ``disturbances`` of
    :func:`sigkd.models.strangers.disturbed_strangers`.

    Raises:
        UsageError: as these functions, disturbances of other images than made-up ones or without views, or a name that
            does not end in ``.safetensors``.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: a model file's name ends in .safetensors")
    _check(model, count, components if views else None)
    placing = Placing(views=tuple(views)) if views else model.placing
    worse: dict[str, Any] = {}
    if disturbances:
        if not views or list(sources) != [MADE_UP]:
            raise UsageError("`disturb` needs `views`, and made-up signatures: other images are prepared already")
        images, disturbed, owners = disturbed_strangers(
            placing, disturbances, count=count, seed=seed, progress=progress
        )
        worse = {"disturbed": disturbed, "owners": owners}
        facts: dict[str, Any] = {"source": "made-up signature", "disturbances": list(disturbances)}
    else:
        images, facts = stranger_images(sources, placing, data=data, count=count, seed=seed, progress=progress)
    facts["seed"] = seed
    if views:
        whitened = whiten_views(model, images, views, components, facts, **worse, device=device, progress=progress)
    else:
        whitened = whiten(model, images, facts, device=device, progress=progress)
    digest = save_model(path, whitened.network, whitened.metadata, half=half, projections=whitened.projections)
    told = dict(whitened.metadata["whitening"])
    spread = told.pop("effective_axes")
    return Whitening(
        out=path,
        bytes=path.stat().st_size,
        hash=digest,
        views=list(views),
        effective_axes=spread if views else [spread],
        **told,
    )

"""What ``sigkd weights`` does with the names that a user gives: cards, cache and shipped files seen as one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sigkd.errors import ModelError, SigkdError, UsageError
from sigkd.json_documents import JsonDocument
from sigkd.models.cache import Record, WeightCache
from sigkd.models.cards import CARDS, WeightCard, find_card, shipped_path
from sigkd.models.download import Patience
from sigkd.progress import SILENT, Progress

Status = Literal["cached", "partial", "absent", "shipped", "not installed"]


@dataclass(frozen=True)
class KnownWeights:
    """A published or shipped model, and whether it is here."""

    name: str
    title: str
    architecture: str
    status: Status
    size: int | None
    """Bytes; null: unknown."""
    identity: str
    """How the file is recognised, in a few words."""
    licence: str
    path: Path
    """Where the file is, or would be."""


class WeightsList(JsonDocument, format="sigkd-weights", version=1):
    """What ``sigkd weights list`` prints: every known model."""

    weights: list[KnownWeights]


@dataclass(frozen=True)
class BroughtWeights:
    """A model file that is in the cache now."""

    name: str
    path: Path
    record: Record
    downloaded: bool
    """Whether it was fetched just now: a file that was there already, or was added by hand, was not."""


class WeightsBrought(JsonDocument, format="sigkd-weights-brought", version=1):
    """What ``sigkd weights pull`` and ``sigkd weights add`` print."""

    weights: list[BroughtWeights]


@dataclass(frozen=True)
class CheckedWeights:
    """Whether a model file is the published one, and gives the features that it should."""

    name: str
    path: Path
    ok: bool
    error: str | None = None
    """What is wrong with it."""
    recognised_by: str | None = None
    hash: str | None = None
    fingerprint: list[float] | None = None
    """The features that it gives, in brief (see the model file's reference)."""
    distance: float | None = None
    """To the expected fingerprint; null where there is none."""


class WeightsVerification(JsonDocument, format="sigkd-weights-verification", version=1):
    """What ``sigkd weights verify`` prints."""

    weights: list[CheckedWeights]


class WeightsPath(JsonDocument, format="sigkd-weights-path", version=1):
    """What ``sigkd weights path`` prints."""

    name: str
    path: Path


class WeightsRemoval(JsonDocument, format="sigkd-weights-removal", version=1):
    """What ``sigkd weights remove`` prints."""

    freed: dict[str, int]
    """Bytes by the model's name."""


class WeightsInfo(JsonDocument, format="sigkd-weights-info", version=1):
    """What ``sigkd weights info`` prints: all that is known of a model."""

    card: WeightCard
    pinned: bool
    """Whether the file's identity is known beforehand."""
    status: Status
    path: Path
    """Where the file is, or would be."""
    record: Record | None
    """How the cached file got there."""
    trusted: str | None
    """SHA-256 that was trusted at first use."""
    metadata: dict[str, Any] | None
    """What the file of a shipped model says of itself."""


def known_weights(cache: Path | None = None) -> WeightsList:
    """Return every known model."""
    store = WeightCache(cache)
    return WeightsList(weights=[_known(card, store) for card in CARDS])


def _known(card: WeightCard, store: WeightCache) -> KnownWeights:
    path = _place(card, store)
    size = path.stat().st_size if path.is_file() else card.size
    status = _status(card, store)
    return KnownWeights(card.name, card.title, card.architecture, status, size, card.identity, card.licence, path)


def _place(card: WeightCard, store: WeightCache) -> Path:
    return shipped_path(card) if card.shipped else store.path(card)


def _status(card: WeightCard, store: WeightCache) -> Status:
    if not card.shipped:
        return store.status(card)
    return "shipped" if _place(card, store).is_file() else "not installed"


def pull_weights(
    names: Sequence[str],
    cache: Path | None = None,
    *,
    urls: Sequence[str] = (),
    trust: bool = False,
    retries: int = 4,
    progress: Progress = SILENT,
) -> WeightsBrought:
    """Download the named weights (see :meth:`WeightCache.pull`)."""
    cards = [find_card(name) for name in names]
    if urls and len(cards) > 1:
        raise UsageError("`url` names the source of one model; pull one at a time")
    store = WeightCache(cache)
    done = []
    for card in cards:
        path, downloaded = store.pull(
            card, urls=urls, trust=trust, probe=_probe, patience=Patience(retries=retries), progress=progress
        )
        done.append(_brought(card, path, store, downloaded))
    return WeightsBrought(weights=done)


def add_weights(name: str, file: Path, cache: Path | None = None, *, trust: bool = False) -> WeightsBrought:
    """Import a file into the cache (see :meth:`WeightCache.add`)."""
    card, store = find_card(name), WeightCache(cache)
    path = store.add(card, file, trust=trust, probe=_probe)
    return WeightsBrought(weights=[_brought(card, path, store, downloaded=False)])


def verify_weights(names: Sequence[str], cache: Path | None = None) -> WeightsVerification:
    """Compare hashes, load, and compute the feature fingerprint; of every model that is here if no names are given.

    A model that is not right is not ``ok`` and has its ``error``; none raises.
    """
    store = WeightCache(cache)
    cards = [find_card(name) for name in names]
    if not names:
        cards = [card for card in CARDS if _status(card, store) in ("cached", "shipped")]
    return WeightsVerification(weights=[_verify(card, store, cache) for card in cards])


def _verify(card: WeightCard, store: WeightCache, cache: Path | None) -> CheckedWeights:
    from sigkd.models.environment import check_fingerprint

    path = _place(card, store)
    try:
        check = check_fingerprint(card.name, cache=cache)
        check.require()
    except SigkdError as error:
        return CheckedWeights(card.name, path, ok=False, error=str(error))
    method = "the hash in the file" if card.shipped else _method(card, store)
    return CheckedWeights(card.name, path, True, None, method, check.hash, check.fingerprint, check.distance)


def _method(card: WeightCard, store: WeightCache) -> str:
    if card.pinned:
        return card.identity
    trusted = store.trusted(card) is not None
    return "the hash trusted at first use, not known to be the published one" if trusted else "nothing"


def weight_path(name: str, cache: Path | None = None) -> Path:
    """Return where the checked file of a model is.

    Raises:
        ModelError: it is not here, or it is damaged.
    """
    card, store = find_card(name), WeightCache(cache)
    if not card.shipped:
        return store.ensure(card)
    path = _place(card, store)
    if not path.is_file():
        raise ModelError(f"the model '{card.name}' is not in this installation ({path})")
    return path


def remove_weights(names: Sequence[str], cache: Path | None = None, *, forget: bool = False) -> WeightsRemoval:
    """Remove models from the cache."""
    cards = [find_card(name) for name in names]
    store = WeightCache(cache)
    return WeightsRemoval(freed={card.name: store.remove(card, forget=forget) for card in cards})


def weight_info(name: str, cache: Path | None = None) -> WeightsInfo:
    """Return the card of a model, the state and record of its file, and a shipped file's own metadata."""
    card, store = find_card(name), WeightCache(cache)
    path, metadata = _place(card, store), None
    if card.shipped and path.is_file():
        from sigkd.models.io import read_metadata

        metadata = read_metadata(path)
    return WeightsInfo(
        card=card,
        pinned=card.pinned,
        status=_status(card, store),
        path=path,
        record=store.record(card),
        trusted=store.trusted(card),
        metadata=metadata,
    )


def _brought(card: WeightCard, path: Path, store: WeightCache, downloaded: bool) -> BroughtWeights:
    record = store.record(card) or Record("", path.stat().st_size, "unknown", "sha256", "")
    return BroughtWeights(card.name, path, record, downloaded)


def _probe(card: WeightCard, path: Path) -> object:
    """Load a file that nobody knows yet, and see whether it can be what its card says; it raises if it cannot."""
    from sigkd.models.io import load_card_file
    from sigkd.models.onnx_network import check_architecture

    loaded = load_card_file(card, path)
    if card.kind == "onnx":
        check_architecture(path, card.architecture)
    return loaded

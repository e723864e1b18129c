"""What ``sigkd weights`` does with the names that a user gives: cards, cache and shipped files seen as one list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sigkd.errors import ModelError, SigkdError, UsageError
from sigkd.models.cache import Record, WeightCache, record_document
from sigkd.models.cards import CARDS, WeightCard, find_card, shipped_path
from sigkd.models.download import Patience
from sigkd.progress import SILENT, Progress


def overview(cache: Path | None = None) -> list[dict[str, Any]]:
    """Return one row a card: name, title, architecture, status, size in bytes (None: unknown), identity, licence."""
    return [_row(card, WeightCache(cache)) for card in CARDS]


def _row(card: WeightCard, store: WeightCache) -> dict[str, Any]:
    path = _place(card, store)
    size = path.stat().st_size if path.is_file() else card.size
    return {
        "name": card.name,
        "title": card.title,
        "architecture": card.architecture,
        "status": _status(card, store),
        "size": size,
        "identity": card.identity,
        "licence": card.licence,
        "path": str(path),
    }


def _place(card: WeightCard, store: WeightCache) -> Path:
    return shipped_path(card) if card.shipped else store.path(card)


def _status(card: WeightCard, store: WeightCache) -> str:
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
) -> list[dict[str, Any]]:
    """Download the named weights (see :meth:`WeightCache.pull`); return name, path, record and whether it was new."""
    cards = [find_card(name) for name in names]
    if urls and len(cards) > 1:
        raise UsageError("--url names the source of one model; pull one at a time")
    store = WeightCache(cache)
    done = []
    for card in cards:
        path, downloaded = store.pull(
            card, urls=urls, trust=trust, probe=_probe, patience=Patience(retries=retries), progress=progress
        )
        done.append(_outcome(card, path, store) | {"downloaded": downloaded})
    return done


def add_weights(name: str, file: Path, cache: Path | None = None, *, trust: bool = False) -> dict[str, Any]:
    """Import a file into the cache (see :meth:`WeightCache.add`); return name, path and record."""
    card, store = find_card(name), WeightCache(cache)
    return _outcome(card, store.add(card, file, trust=trust, probe=_probe), store)


def verify_weights(names: Sequence[str], cache: Path | None = None) -> list[dict[str, Any]]:
    """Compare hashes, load, and compute the feature fingerprint; of every model that is here if no names are given.

    Returns:
        One row a model: name, path, ok, error, recognised_by, hash, fingerprint, distance (to the expected fingerprint;
        None where there is none). A model that is not right has ``ok`` false and ``error`` a line; none raises.
    """
    store = WeightCache(cache)
    cards = [find_card(name) for name in names]
    if not names:
        cards = [card for card in CARDS if _status(card, store) in ("cached", "shipped")]
    return [_verify(card, store, cache) for card in cards]


def _verify(card: WeightCard, store: WeightCache, cache: Path | None) -> dict[str, Any]:
    from sigkd.models.environment import check_fingerprint, require_fingerprint

    row: dict[str, Any] = {"name": card.name, "path": str(_place(card, store)), "ok": False, "error": None}
    try:
        facts = check_fingerprint(card.name, cache=cache)
        require_fingerprint(facts)
    except SigkdError as error:
        return row | {"error": str(error)}
    method = "the hash in the file" if card.shipped else _method(card, store)
    keep = {key: facts[key] for key in ("hash", "fingerprint", "distance")}
    return row | keep | {"ok": True, "recognised_by": method}


def _method(card: WeightCard, store: WeightCache) -> str:
    if card.pinned:
        return card.identity
    return "the hash trusted at first use" if store.trusted(card) else "nothing"


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


def remove_weights(names: Sequence[str], cache: Path | None = None, *, forget: bool = False) -> dict[str, int]:
    """Remove models from the cache; return the bytes freed by name."""
    cards = [find_card(name) for name in names]
    store = WeightCache(cache)
    return {card.name: store.remove(card, forget=forget) for card in cards}


def weight_info(name: str, cache: Path | None = None) -> dict[str, Any]:
    """Return the card of a model, the state and record of its file, and a shipped file's own metadata."""
    card, store = find_card(name), WeightCache(cache)
    document = card.document() | {"status": _status(card, store), "path": str(_place(card, store))}
    document["record"] = record_document(store.record(card))
    document["trusted"] = store.trusted(card)
    if card.shipped and _place(card, store).is_file():
        from sigkd.models.io import read_metadata

        document["metadata"] = read_metadata(_place(card, store))
    return document


def _outcome(card: WeightCard, path: Path, store: WeightCache) -> dict[str, Any]:
    record = store.record(card) or Record("", path.stat().st_size, "unknown", "sha256", "")
    return {"name": card.name, "path": str(path), "record": record_document(record)}


def _probe(card: WeightCard, path: Path) -> object:
    from sigkd.models.io import load_card_file

    return load_card_file(card, path)

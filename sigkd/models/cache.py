"""The cache of downloaded weights: a file in it is whole, recognised by its hash, and checked again before every use.

Layout, one folder a card: ``<cache>/weights/<name>/<filename>``, ``record.json`` (where the file came from and how it
was recognised), ``trusted.json`` (a hash that the user decided to trust at first use), ``<filename>.part`` while it
arrives.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sigkd.errors import ModelError, NetworkError, UsageError
from sigkd.files import write_json
from sigkd.models.cards import WeightCard, find_card, shipped_path
from sigkd.models.download import Patience, disk_error, download
from sigkd.paths import cache_dir
from sigkd.progress import SILENT, Progress

Probe = Callable[[WeightCard, Path], object]
"""Loads a file as its card says, or raises ModelError: what an unrecognised file must pass before it is trusted."""


class Identity(NamedTuple):
    """What a file is, by its bytes."""

    size: int
    sha256: str
    git_blob_sha1: str


@dataclass(frozen=True)
class Record:
    """How a cached file got there."""

    sha256: str
    size: int
    source: str
    recognised_by: Literal["sha256", "git blob sha1", "trust at first use"]
    date: str


def identify(path: Path) -> Identity:
    """Return size, SHA-256 and git blob SHA-1 of a file, read once."""
    size = path.stat().st_size
    sha256 = hashlib.sha256()
    # What GitHub tells of a file without its being downloaded; for recognising, not against an attacker who chose it.
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    return Identity(size, sha256.hexdigest(), blob.hexdigest())


class WeightCache:
    """The weights of a cache directory (``None``: ``$SIGKD_CACHE``, else the platform's user cache directory)."""

    def __init__(self, cache: Path | None = None) -> None:
        self.root = cache_dir(cache) / "weights"

    def path(self, card: WeightCard) -> Path:
        """Return where the file of ``card`` is, or would be."""
        return self.root / card.name / card.filename

    def partial(self, card: WeightCard) -> Path:
        """Return the temporary name under which the file arrives."""
        return self.path(card).with_name(card.filename + ".part")

    def record(self, card: WeightCard) -> Record | None:
        """Return how the cached file got there; None if there is none."""
        document = _read_json(self.root / card.name / "record.json")
        try:
            return Record(**document) if document and self.path(card).is_file() else None
        except TypeError:
            return None

    def trusted(self, card: WeightCard) -> str | None:
        """Return the SHA-256 that the user trusts for a card without a known hash."""
        document = _read_json(self.root / card.name / "trusted.json")
        return str(document["sha256"]) if document and "sha256" in document else None

    def status(self, card: WeightCard) -> Literal["cached", "partial", "absent"]:
        """Return ``cached``, ``partial`` or ``absent``, without reading the file."""
        if self.path(card).is_file():
            return "cached"
        return "partial" if self.partial(card).is_file() else "absent"

    def recognise(self, card: WeightCard, file: Path) -> tuple[Identity, str | None]:
        """Compare a file with what is known of ``card``.

        Returns:
            Its identity, and how it was recognised: ``sha256``, ``git blob sha1``, ``trust at first use``, or None
            where nothing is known to compare with.

        Raises:
            ModelError: it is not the file of the card.
        """
        found = identify(file)
        if card.size is not None and found.size != card.size:
            raise ModelError(f"{file}: {found.size:,} bytes, but '{card.name}' has {card.size:,}: not the same file")
        # The strongest that is known decides.
        for method, expected, actual in (
            ("sha256", card.sha256, found.sha256),
            ("git blob sha1", card.git_blob_sha1, found.git_blob_sha1),
            ("trust at first use", None if card.pinned else self.trusted(card), found.sha256),
        ):
            if expected is None:
                continue
            if expected != actual:
                what, whose = ("sha256", "trusted") if method == "trust at first use" else (method, "published")
                raise ModelError(
                    f"{file}: not the file of '{card.name}': its {what} is {actual}, {whose} is {expected}"
                )
            return found, method
        return found, None

    def ensure(self, card: WeightCard) -> Path:
        """Return the cached file of ``card`` after comparing its hash; what every loader calls before it reads a byte.

        Raises:
            ModelError: absent (the message says how to get it) or damaged (it is left in place).
        """
        path = self.path(card)
        if not path.is_file():
            raise ModelError(self.how_to_get(card))
        self.check(card)
        return path

    def check(self, card: WeightCard) -> Identity:
        """Compare the cached file with the card and with its record.

        Raises:
            ModelError: it is damaged or was put there by other means; the message names the file and what to do.
        """
        path = self.path(card)
        mend = f"'sigkd weights remove {card.name}' removes it"
        try:
            found, method = self.recognise(card, path)
        except ModelError as error:
            raise ModelError(f"{error}; the cached file is damaged or was replaced: {mend}") from None
        except OSError as error:
            raise ModelError(f"{path}: the cached file cannot be read ({error.strerror}): {mend}") from error
        if method is None:
            raise ModelError(f"{path}: nobody vouched for this file (no record of trust): {mend}")
        return found

    def how_to_get(self, card: WeightCard) -> str:
        """Return the line that says how the weights of ``card`` come into the cache."""
        own = find_card("sigkd-signet")
        at_hand = card.name.startswith("signet") and shipped_path(own).is_file()
        ours = f"; '{own.name}', our own teacher, is at hand without it" if at_hand else ""
        trust = "" if card.pinned else " --trust-first-use"
        pull = f"'sigkd weights pull {card.name}{trust}' downloads them, " if card.urls else ""
        return (
            f"the weights of '{card.name}' are not in the cache ({self.path(card)}): {pull}"
            f"'sigkd weights add {card.name} FILE{trust}' imports a file that you have{ours}"
        )

    def pull(
        self,
        card: WeightCard,
        *,
        urls: Sequence[str] = (),
        trust: bool = False,
        probe: Probe | None = None,
        patience: Patience | None = None,
        progress: Progress = SILENT,
    ) -> tuple[Path, bool]:
        """Download the file of ``card`` unless it is there; only a recognised file gets its name.

        Args:
            card: what to bring.
            urls: sources to use instead of the card's (a mirror).
            trust: accept a file whose hash is not known beforehand, and remember its hash.
            probe: loads an unrecognised file; it must succeed before the file is trusted.
            patience: how long to keep trying.
            progress: where the work is reported.

        Returns:
            The path, and whether anything was downloaded.

        Raises:
            UsageError: a shipped model, a card without a source, or an unknown hash without ``trust``.
            ModelError, NetworkError: nothing came, or not the right file; the cache is as it was.
        """
        self._refuse_shipped(card)
        if self.path(card).is_file():
            return self.ensure(card), False
        sources = tuple(urls) or card.urls
        if not sources:
            raise UsageError(
                f"no source is known for '{card.name}': use `url`, or 'sigkd weights add {card.name} FILE'"
            )
        recognised = card.pinned or self.trusted(card) is not None
        if not recognised and not trust:
            raise ModelError(_needs_trust(card))
        with self._locked(card, progress):
            if self.path(card).is_file():  # another process brought it while this one waited
                return self.ensure(card), False
            self._bring(card, list(sources), recognised, trust, probe, patience, progress)
        return self.path(card), True

    def _bring(
        self,
        card: WeightCard,
        sources: list[str],
        recognised: bool,
        trust: bool,
        probe: Probe | None,
        patience: Patience | None,
        progress: Progress,
    ) -> None:
        """Download from the first source that delivers the right file, or raise with what each of them did instead."""
        part = self.partial(card)
        failures: list[str] = []
        while sources:
            kept = part.is_file()
            try:
                source = download(
                    card.name, sources, part, pinned=recognised, size=card.size, patience=patience, progress=progress
                )
            except NetworkError as error:
                raise NetworkError("; ".join([*failures, str(error)])) from None
            try:
                self._admit(card, part, source, trust, probe)
                part.unlink(missing_ok=True)
                return
            except ModelError as error:
                # bytes of an earlier attempt may be of another version: the source is asked once more without them
                part.unlink(missing_ok=True)
                if kept:
                    progress.info(
                        f"the file resumed from an earlier attempt is not right; downloading '{card.name}' anew"
                    )
                    continue
                failures.append(f"{source}: {_without_path(error, part)}; nothing was kept")
                sources = sources[sources.index(source) + 1 :]
        raise ModelError("; ".join(failures))

    def add(self, card: WeightCard, file: Path, *, trust: bool = False, probe: Probe | None = None) -> Path:
        """Import a file that the user got by other means; it is copied, the original stays.

        Raises:
            UsageError: a shipped model.
            ModelError: not the right file, or unknown without ``trust``; the cache is as it was.
        """
        self._refuse_shipped(card)
        file = Path(file)
        if not file.is_file():
            raise ModelError(f"{file}: no such file")
        if not card.pinned and self.trusted(card) is None and not trust:
            raise ModelError(_needs_trust(card))
        try:
            self.recognise(card, file)  # before anything is copied
        except ModelError as error:
            raise ModelError(f"{error}; to use it as it is, name it: `model` {file}") from None
        temporary = self.path(card).with_name(".import")
        with self._locked(card, SILENT):
            try:
                shutil.copyfile(file, temporary)
                self._admit(card, temporary, str(file.resolve()), trust, probe)
            finally:
                temporary.unlink(missing_ok=True)
        return self.path(card)

    def remove(self, card: WeightCard, *, forget: bool = False) -> int:
        """Remove the cached file, a partial download and the record of ``card``; with ``forget`` also the trusted hash.

        Returns:
            The number of bytes freed.
        """
        self._refuse_shipped(card)
        folder = self.root / card.name
        if not folder.is_dir():
            return 0
        freed = 0
        with self._locked(card, SILENT):
            for path in folder.iterdir():
                # Trust outlives the file: the next download must be the same one.
                if path.name == ".lock" or (path.name == "trusted.json" and not forget):
                    continue
                freed += path.stat().st_size
                path.unlink()
        if not any(path.name != ".lock" for path in folder.iterdir()):
            shutil.rmtree(folder)
        return freed

    def _admit(self, card: WeightCard, file: Path, source: str, trust: bool, probe: Probe | None) -> None:
        """Give an arrived file its place if it is recognised, or if the user trusts it and it loads."""
        found, method = self.recognise(card, file)
        folder = self.root / card.name
        if method is None:
            if not trust:
                raise ModelError(_needs_trust(card))
            if probe is not None:
                probe(card, file)
            method = "trust at first use"
            write_json(folder / "trusted.json", {"sha256": found.sha256, "source": source, "date": _now()})
        # Before the file: a file without its record would look as if somebody had put it there.
        record = {"sha256": found.sha256, "size": found.size, "source": source, "recognised_by": method, "date": _now()}
        write_json(folder / "record.json", record)
        file.replace(self.path(card))

    def _refuse_shipped(self, card: WeightCard) -> None:
        if card.shipped:
            raise UsageError(f"'{card.name}' is part of the package and not in the cache")

    @contextmanager
    def _locked(self, card: WeightCard, progress: Progress) -> Iterator[None]:
        """Let one process at a time change the folder of a card; others wait and then find the work done."""
        from filelock import FileLock, Timeout

        folder = self.root / card.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / ".lock")
            try:
                # First without waiting, so that whoever has to wait is told why.
                lock.acquire(timeout=0)
            except Timeout:
                progress.info(f"another process is busy with '{card.name}'; waiting for it")
                lock.acquire()
        except OSError as error:
            raise disk_error(error, folder) from error
        try:
            yield
        except OSError as error:
            raise disk_error(error, folder) from error
        finally:
            lock.release()


def _needs_trust(card: WeightCard) -> str:
    return (
        f"'{card.name}' cannot be verified: no hash of its file is known. With `trust_first_use=True` it is taken as "
        "it is, and its hash is remembered"
    )


def _without_path(error: ModelError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None

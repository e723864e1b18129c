"""What a gallery holds, as plain values, and how each becomes bytes: arrays and JSON, never pickles."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import GalleryError, UsageError
from sigkd.images.ink_measures import InkMeasures
from sigkd.images.scan_facts import ScanFacts

NAME_LENGTH = 200


@dataclass(frozen=True)
class StoredReference:
    """One reference of an enrolled writer."""

    features: NDArray[np.float32]
    """[D]."""
    name: str
    """The file's name."""
    digest: str
    ink: InkMeasures
    image: bytes | None = None
    """The file's content, where it was kept."""
    scan: ScanFacts | None = None
    """Of scans that were read at one scale."""
    added_at: str = ""
    """When it was enrolled: UTC, ISO 8601; empty: by an older sigkd, which kept no dates."""


@dataclass(frozen=True)
class EnrolledWriter:
    """A writer of the gallery."""

    name: str
    references: int
    enrolled_at: str
    updated_at: str
    images: bool
    """Whether the images of all references were kept."""
    subject: str
    """What the audit log calls the writer."""
    note: str = ""
    """What people wrote down."""
    flag: str = ""
    """Why answers are for a person to decide; empty: they are not."""


class WriterState(NamedTuple):
    """What changes whenever a writer's comparison has to be made anew."""

    uid: bytes
    """Random; of a writer who is removed and enrolled again it is another."""
    revision: int
    """Counts the changes of the writer's references."""
    pool_version: int
    binding: str


def clean_name(name: str) -> str:
    """Return a writer's name in Unicode's composed form, without outer blanks.

    Raises:
        UsageError: empty, too long, or with control characters.
    """
    text = unicodedata.normalize("NFC", name).strip()
    if not text or len(text) > NAME_LENGTH or any(unicodedata.category(letter).startswith("C") for letter in text):
        raise UsageError(f"a writer's name has 1 to {NAME_LENGTH} printable characters, not {name!r}")
    return text


def pack_features(features: NDArray[np.floating]) -> bytes:
    """Return float16 bytes behind a one-letter type, or float32 where a value is too large for float16."""
    values = np.asarray(features, np.float32)
    if float(np.abs(values).max(initial=0.0)) <= float(np.finfo(np.float16).max):
        return b"h" + values.astype("<f2").tobytes()
    return b"f" + values.astype("<f4").tobytes()


def unpack_features(packed: bytes) -> NDArray[np.float32]:
    """Return the features float32 [D].

    Raises:
        GalleryError: the bytes are not features.
    """
    kind = {b"h": "<f2", b"f": "<f4"}.get(packed[:1])
    if kind is None or (len(packed) - 1) % int(kind[-1]):
        raise GalleryError("stored features are damaged: restore a backup")
    values = np.frombuffer(packed, kind, offset=1).astype(np.float32)
    if not len(values) or not np.isfinite(values).all():
        raise GalleryError("stored features are damaged: restore a backup")
    return values


def rounded_features(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return features as they come back from the gallery: what templates are fitted on. float32 [r, D]."""
    return np.stack([unpack_features(pack_features(row)) for row in features])


def pack_facts(reference: StoredReference) -> bytes:
    """Return name, hash and measures as JSON."""
    return json.dumps(reference_facts(reference)).encode()


def reference_facts(reference: StoredReference) -> dict[str, Any]:
    """Return name, hash and measures as JSON values."""
    facts = {"name": reference.name, "digest": reference.digest, "ink": asdict(reference.ink)}
    facts |= {"added_at": reference.added_at} if reference.added_at else {}
    return facts if reference.scan is None else {**facts, "scan": reference.scan.to_json()}


def unpack_reference(features: bytes, facts: bytes, image: bytes | None) -> StoredReference:
    """Return the reference of its stored parts.

    Raises:
        GalleryError: a part is damaged.
    """
    try:
        return reference_of(unpack_features(features), json.loads(facts), image)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GalleryError(f"a stored reference is damaged ({type(error).__name__}): restore a backup") from None


def reference_of(features: NDArray[np.float32], facts: Any, image: bytes | None) -> StoredReference:
    """Return the reference of its features [D] and what is known of it as JSON values.

    These are ``name``, ``digest``, ``ink``, perhaps ``added_at``, and ``scan`` of a scan that was read at one scale.

    Raises:
        ValueError, KeyError, TypeError: they are not those of a reference.
    """
    ink = InkMeasures(**facts["ink"])
    measures = asdict(ink).values()
    if not np.isfinite(features).all() or not all(isinstance(one, (int, float)) and isfinite(one) for one in measures):
        raise ValueError("features and measures are finite numbers")
    digest = str(facts["digest"])
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("the hash of a file has 64 hexadecimal digits")
    scan = ScanFacts.from_json(facts["scan"]) if "scan" in facts else None
    added = str(facts.get("added_at", ""))
    return StoredReference(features, str(facts["name"]), digest, ink, image, scan, added)


def pack_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return small arrays as safetensors."""
    from safetensors.numpy import save

    return bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def unpack_arrays(packed: bytes) -> dict[str, NDArray[np.generic]]:
    """Return the arrays.

    Raises:
        GalleryError: damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(bytes(packed)))
    except SafetensorError as error:
        raise GalleryError(f"a stored template is damaged ({error}): restore a backup") from None

"""Encryption at rest: every value of a person is sealed with AES-256-GCM under a key that a passphrase unlocks.

The key is random; scrypt turns the passphrase into the key that wraps it.
Each sealed value is bound to its place (gallery, writer, column), so that values cannot be moved between writers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import unicodedata
from contextlib import suppress
from typing import Any, Protocol

from sigkd.errors import GalleryError, PassphraseError, UsageError

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
"""RFC 7914's parameters, the least that OWASP's Password Storage Cheat Sheet recommends: 128 MiB, about 0.4 s."""
MOST_MEMORY = 2**30
"""Bytes of memory (128 N r) that a gallery's header may ask for."""
_NONCE = 12
_KEY = 32


class Vault(Protocol):
    """Seals and opens values."""

    encrypted: bool

    def seal(self, value: bytes, place: str) -> bytes:
        """Return what is written to the file."""

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the value.

        Raises:
            GalleryError: it was changed, or belongs to another place.
        """


class PlainVault:
    """No encryption."""

    encrypted = False

    def seal(self, value: bytes, place: str) -> bytes:
        """Return the value itself."""
        return value

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the value itself."""
        return _sealed(sealed, place)


class KeyVault:
    """AES-256-GCM with a random nonce in front of each value."""

    encrypted = True

    def __init__(self, key: bytes, gallery: str) -> None:
        self._cipher = _aesgcm()(key)
        self._gallery = gallery

    def seal(self, value: bytes, place: str) -> bytes:
        """Return nonce and ciphertext."""
        # 96 random bits: that any two of a billion values share one has a probability below 1e-11.
        nonce = os.urandom(_NONCE)
        return nonce + bytes(self._cipher.encrypt(nonce, value, f"{self._gallery}|{place}".encode()))

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the plaintext; the place must be the one that it was sealed for."""
        from cryptography.exceptions import InvalidTag

        value = _sealed(sealed, place)
        try:
            return bytes(self._cipher.decrypt(value[:_NONCE], value[_NONCE:], f"{self._gallery}|{place}".encode()))
        except (InvalidTag, ValueError):
            raise GalleryError(
                f"an encrypted value ({place.split(':')[0]}) was changed or moved: restore a backup"
            ) from None


def _sealed(value: object, place: str) -> bytes:
    """Return what was read from the file, if it has the type that was written."""
    if not isinstance(value, bytes):
        raise GalleryError(f"a stored value ({place.split(':')[0]}) is damaged: restore a backup")
    return value


def _aesgcm() -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise UsageError("an encrypted gallery needs the package cryptography: pip install 'sigkd[encrypt]'") from None
    return AESGCM


def _wrapping_key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    """Return the key that wraps the gallery's own.

    Raises:
        ValueError: parameters that no gallery has.
    """
    if not (n >= 2 and r >= 1 and 1 <= p <= 16 and 128 * n * r <= MOST_MEMORY):
        raise ValueError(f"scrypt parameters {n}, {r}, {p}")
    secret = passphrase.encode("utf-8", "surrogateescape")  # from the environment any bytes may come
    # OpenSSL's own limit of 32 MiB would refuse these parameters.
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, dklen=_KEY, maxmem=256 * n * r)


def check_passphrase(passphrase: str) -> str:
    """Return a new passphrase in Unicode's composed form, so that it is the same from every keyboard.

    Raises:
        UsageError: it is blank.
    """
    if not passphrase.strip():
        raise UsageError("a blank passphrase protects nothing")
    return unicodedata.normalize("NFC", passphrase)


def new_vault(passphrase: str, gallery: str) -> tuple[KeyVault, str]:
    """Return a vault with a fresh key, and the header (JSON) that lets the passphrase unlock it.

    Raises:
        UsageError: a blank passphrase.
    """
    passphrase = check_passphrase(passphrase)
    key = os.urandom(_KEY)
    salt, nonce = os.urandom(16), os.urandom(_NONCE)
    wrapper = _aesgcm()(_wrapping_key(passphrase, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P))
    header = {
        "form": "NFC",
        "kdf": "scrypt",
        "n": SCRYPT_N,
        "r": SCRYPT_R,
        "p": SCRYPT_P,
        "salt": base64.b64encode(salt).decode(),
        "cipher": "AES-256-GCM",
        "nonce": base64.b64encode(nonce).decode(),
        "key": base64.b64encode(wrapper.encrypt(nonce, key, gallery.encode())).decode(),
    }
    return KeyVault(key, gallery), json.dumps(header)


def unlock(header: str, passphrase: str | None, gallery: str, source: str) -> KeyVault:
    """Return the vault of an encrypted gallery.

    Raises:
        PassphraseError: none, or the wrong one; GalleryError: a damaged header.
    """
    if passphrase is None:
        raise PassphraseError(f"{source}: is encrypted: give its `passphrase`")
    cipher = _aesgcm()
    from cryptography.exceptions import InvalidTag

    composed = unicodedata.normalize("NFC", passphrase)
    try:
        facts = json.loads(header)
        salt, nonce, sealed = (base64.b64decode(facts[name]) for name in ("salt", "nonce", "key"))
        # older galleries took a passphrase as the keyboard sent it
        forms = [composed] if facts.get("form") == "NFC" else [passphrase, composed, _decomposed(passphrase)]
        # One scrypt each: a new gallery asks for one, an old one for at most three.
        for candidate in dict.fromkeys(forms):
            wrapping = _wrapping_key(candidate, salt, int(facts["n"]), int(facts["r"]), int(facts["p"]))
            with suppress(InvalidTag):
                return KeyVault(bytes(cipher(wrapping).decrypt(nonce, sealed, gallery.encode())), gallery)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise GalleryError(f"{source}: the encryption header is damaged: restore a backup") from None
    raise PassphraseError(f"{source}: wrong passphrase")


def _decomposed(passphrase: str) -> str:
    return unicodedata.normalize("NFD", passphrase)


def is_weak(header: str) -> bool:
    """Tell whether an older gallery's passphrase is cheaper to guess than a new one's."""
    facts = json.loads(header)
    return int(facts["n"]) * int(facts["r"]) * int(facts["p"]) < SCRYPT_N * SCRYPT_R * SCRYPT_P


def keyed_hash(key: bytes, value: bytes) -> bytes:
    """Return HMAC-SHA256: how names are found and log entries are chained."""
    return hmac.new(key, value, hashlib.sha256).digest()

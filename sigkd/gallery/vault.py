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
from typing import Any, Protocol

from sigkd.errors import GalleryError, PassphraseError, UsageError

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 1
"""RFC 7914's parameters: 32 MiB, about 0.1 s."""
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
        return bytes(sealed)


class KeyVault:
    """AES-256-GCM with a random nonce in front of each value."""

    encrypted = True

    def __init__(self, key: bytes, gallery: str) -> None:
        self._cipher = _aesgcm()(key)
        self._gallery = gallery
        self.key = key

    def seal(self, value: bytes, place: str) -> bytes:
        """Return nonce and ciphertext."""
        nonce = os.urandom(_NONCE)
        return nonce + bytes(self._cipher.encrypt(nonce, value, f"{self._gallery}|{place}".encode()))

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return the plaintext; the place must be the one that it was sealed for."""
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{self._gallery}|{place}".encode())
            return bytes(plain)
        except InvalidTag:
            raise GalleryError(
                f"an encrypted value ({place.split(':')[0]}) was changed or moved: restore a backup"
            ) from None


def _aesgcm() -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise UsageError("an encrypted gallery needs the package cryptography: pip install 'sigkd[encrypt]'") from None
    return AESGCM


def _wrapping_key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    if not (2 <= n <= 2**20 and 1 <= r <= 32 and 1 <= p <= 16):
        raise GalleryError("the gallery's encryption header is damaged")
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, dklen=_KEY, maxmem=256 * n * r)


def new_vault(passphrase: str, gallery: str, key: bytes | None = None) -> tuple[KeyVault, str]:
    """Return a vault with a fresh (or the given) key, and the header (JSON) that lets the passphrase unlock it."""
    if not passphrase:
        raise UsageError("an empty passphrase protects nothing")
    key = os.urandom(_KEY) if key is None else key
    salt, nonce = os.urandom(16), os.urandom(_NONCE)
    wrapper = _aesgcm()(_wrapping_key(passphrase, salt, SCRYPT_N, SCRYPT_R, SCRYPT_P))
    header = {
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

    try:
        facts = json.loads(header)
        salt, nonce, sealed = (base64.b64decode(facts[name]) for name in ("salt", "nonce", "key"))
        numbers = int(facts["n"]), int(facts["r"]), int(facts["p"])
    except (ValueError, KeyError, TypeError):
        raise GalleryError(f"{source}: the encryption header is damaged: restore a backup") from None
    try:
        key = cipher(_wrapping_key(passphrase, salt, *numbers)).decrypt(nonce, sealed, gallery.encode())
    except InvalidTag:
        raise PassphraseError(f"{source}: wrong passphrase") from None
    return KeyVault(bytes(key), gallery)


def keyed_hash(key: bytes, value: bytes) -> bytes:
    """Return HMAC-SHA256: how names are found and log entries are chained."""
    return hmac.new(key, value, hashlib.sha256).digest()

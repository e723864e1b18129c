"""Documents: what the program writes and prints as JSON, as dataclasses that know their own JSON and its schema.

A document has the fields of its class behind ``format`` and ``version``. It is read back strictly: a field that is
unknown, missing or of another type is refused in one line that names it. Reading and schemas are pydantic's work, which
is imported only then: no command needs it to print.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, dataclass_transform

from sigkd.errors import InputError, SigkdError
from sigkd.files import json_text, write_text

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass_transform(frozen_default=True, kw_only_default=True)
class JsonDocument:
    """A kind of document: each class of it is a (frozen) dataclass of keywords, without a decorator.

    >>> class Removal(JsonDocument, format="sigkd-removal", version=1):
    ...     writer: str
    >>> Removal(writer="Ada").to_json()
    {'format': 'sigkd-removal', 'version': 1, 'writer': 'Ada'}
    >>> Removal.from_json({"format": "sigkd-removal", "version": 1, "name": "Ada"}, "removal.json")
    Traceback (most recent call last):
    sigkd.errors.InputError: removal.json: 'writer': field required
    """

    format: ClassVar[str]
    version: ClassVar[int]
    _error: ClassVar[type[InputError]]
    # pydantic takes it for the dataclasses inside, too
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
        "use_attribute_docstrings": True,
    }

    def __init_subclass__(
        cls, *, format: str, version: int, error: type[InputError] = InputError, frozen: bool = True
    ) -> None:
        # fields like the others, so that whatever reads dataclasses (FastAPI, for example) sees them too
        cls.__annotations__ = {"format": Literal[format], "version": Literal[version], **cls.__annotations__}
        cls.format, cls.version, cls._error = format, version, error
        dataclass(frozen=frozen, kw_only=True)(cls)

    def to_json(self) -> dict[str, Any]:
        """Return the document as JSON values."""
        return _fields(self)

    def text(self, *, ascii_only: bool = False) -> str:
        """Return the document as the text of a file."""
        return json_text(self.to_json(), ascii_only=ascii_only)

    def save(self, path: Path) -> None:
        """Write the document, atomically."""
        write_text(path, self.text())

    @classmethod
    def from_json(cls, document: Any, source: str | Path = "document") -> Self:
        """Return the document of JSON values.

        Args:
            document: as :meth:`to_json` returns it.
            source: what messages call it (a file's name).

        Raises:
            InputError: another format or version, or something that the document cannot hold; or the kind's own error.
        """
        return cls._of_text(json.dumps(document).encode(), source)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a JSON file.

        Raises:
            InputError: absent, not JSON, or not such a document; or the kind's own error.
        """
        try:
            return cls._of_text(Path(path).read_bytes(), path)
        except OSError as error:
            raise cls._error(f"{path}: {error.strerror or 'not readable'}") from None

    @classmethod
    def upgraded(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document of an older version as one of this version; others as they are."""
        return document

    @classmethod
    def _of_text(cls, text: bytes, source: str | Path) -> Self:
        from pydantic import ValidationError

        try:
            head = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise cls._error(f"{source}: not JSON ({error})") from None
        if not isinstance(head, dict) or head.get("format") != cls.format:
            raise cls._error(f"{source}: not a document of the format {cls.format}")
        given = head
        if (newer := cls.upgraded(head)) is not head:
            head, text = newer, json.dumps(newer).encode()
        if (version := head.get("version")) != cls.version:
            later = isinstance(version, int) and version > cls.version
            remedy = "upgrade sigkd" if later else "make it again with this sigkd"
            raise cls._error(f"{source}: {cls.format} of version {version}, this sigkd reads {cls.version}: {remedy}")
        try:
            document: Self = _adapter(cls).validate_json(text)  # type: ignore[arg-type]
        except ValidationError as error:
            raise cls._error(f"{source}: {_first(error.errors(include_url=False))}") from None
        except SigkdError as error:  # of a class inside, which knows no file
            raise cls._error(f"{source}: {error}") from None
        try:
            check_seal(given)
        except ValueError as error:
            raise cls._error(f"{source}: {error}") from None
        return document


def seal_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of JSON values without their own ``seal``: found again where nothing was changed."""
    others = {name: value for name, value in document.items() if name != "seal"}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_seal(document: Mapping[str, Any]) -> None:
    """Compare JSON values with the seal among them; those of an older sigkd have none.

    Raises:
        ValueError: something was changed.
    """
    seal = document.get("seal")
    if seal is not None and seal != seal_of(document):  # none: not computed either, it takes as long as the reading
        raise ValueError(
            "its content is not what was saved (the hash differs): make it anew, or take 'seal' out of it if "
            "the change was meant"
        )


_PLAIN = (float, int, str)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def encode(value: Any) -> Any:
    """Return a value of dataclasses, enumerations, paths, tables and sequences as JSON values.

    A class with a ``to_json`` of its own decides for itself.
    """
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _PLAIN else encode(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: encode(getattr(value, field.name)) for field in fields(value)}


def json_schema(kind: type[JsonDocument]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a kind of document: of what :meth:`JsonDocument.to_json` returns.

    Every field is required in it; :meth:`JsonDocument.from_json` takes those with a default as optional. Descriptions
    are the classes' docstrings and the texts under their fields.
    """
    from pydantic.json_schema import GenerateJsonSchema

    class Complete(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def field_is_required(self, field: Any, total: bool) -> bool:
            return True

    adapter = _adapter(kind)  # type: ignore[arg-type]
    schema = adapter.json_schema(schema_generator=Complete, mode="serialization")
    return {"$schema": Complete.schema_dialect, **schema, "title": kind.format}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _first(errors: list[Any]) -> str:
    """Return the first of pydantic's errors in one line: unknown fields after what is missing or wrong."""
    chosen = min(errors, key=lambda error: error["type"] == "unexpected_keyword_argument")
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in chosen["loc"]).lstrip(".")
    text = "unknown field" if chosen["type"] == "unexpected_keyword_argument" else chosen["msg"]
    text = text.removeprefix("Value error, ")
    return (f"'{place}': " if place else "") + text[:1].lower() + text[1:]

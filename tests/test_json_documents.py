from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd.errors import InputError
from sigkd.json_documents import JsonDocument, check_seal, encode, json_schema, seal_of


class Verdict(Enum):
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Part:
    """A part."""

    share: float
    """Of the whole."""
    parts: list[Part]
    verdict: Verdict = Verdict.GOOD


class Sample(JsonDocument, format="sigkd-sample", version=2):
    """A document of every kind of field."""

    parts: tuple[Part, ...]
    size: tuple[int, int] | None
    table: dict[str, float]
    out: Path
    flag: bool = False


parts = st.builds(
    Part, st.floats(allow_nan=False, allow_infinity=False), st.just([Part(0.5, [])]), st.sampled_from(Verdict)
)
samples = st.builds(
    Sample,
    parts=st.lists(parts, max_size=2).map(tuple),
    size=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
    table=st.dictionaries(st.text(max_size=3), st.floats(0, 1)),
    out=st.sampled_from([Path("a/b.npz"), Path("/c")]),
    flag=st.booleans(),
)
SAMPLE = Sample(parts=(Part(1.0, []),), size=(1, 2), table={"a": 1.0}, out=Path("x"))


@settings(deadline=None)  # pydantic makes its reader at the first example
@given(samples)
def test_what_is_written_is_read_and_fits_the_schema(sample):
    document = json.loads(json.dumps(sample.to_json(), allow_nan=False))
    assert list(document)[:2] == ["format", "version"]
    assert Sample.from_json(document) == sample
    jsonschema.Draft202012Validator(json_schema(Sample)).validate(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"more": 1}, "'more': unknown field"),
        ({"parts": [{"share": 1, "parts": [], "more": 1}]}, "'parts[0].more': unknown field"),
        ({"parts": [{"parts": []}]}, "'parts[0].share': field required"),
        ({"parts": [{"share": "1", "parts": []}]}, "'parts[0].share': input should be a valid number"),
        ({"parts": [{"share": 1, "parts": [], "verdict": "fair"}]}, "'parts[0].verdict': input should be 'good' or"),
        ({"size": [1]}, "'size[1]': field required"),
        ({"size": [1, 2, 3]}, "'size': tuple should have at most 2 items"),
        ({"table": {"a": True}}, "'table.a': input should be a valid number"),
        ({"flag": 1}, "'flag': input should be a valid boolean"),
        ({"out": None}, "'out': input should be"),
    ],
)
def test_another_shape_is_refused_in_one_line_and_by_the_schema(change, reason):
    document = SAMPLE.to_json() | change
    with pytest.raises(InputError) as refusal:
        Sample.from_json(document, "sample.json")
    assert str(refusal.value).startswith(f"sample.json: {reason}") and "\n" not in str(refusal.value)
    assert not jsonschema.Draft202012Validator(json_schema(Sample)).is_valid(document)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "sigkd-other"}, "not a document of the format sigkd-sample"),
        ({"version": 3}, "sigkd-sample of version 3, this sigkd reads 2: upgrade sigkd"),
        ({"version": 1}, "sigkd-sample of version 1, this sigkd reads 2: make it again with this sigkd"),
        ({"version": None, "more": 1}, "sigkd-sample of version None"),
    ],
)
def test_another_format_or_version_is_named_first(change, reason):
    with pytest.raises(InputError, match=reason):
        Sample.from_json(SAMPLE.to_json() | change)


def test_files_are_read(tmp_path):
    path = tmp_path / "sample.json"
    with pytest.raises(InputError, match=r"sample\.json: No such file"):
        Sample.read(path)
    for text in ("{", "[1]", '{"format": NaN}', "\xff", "null"):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(InputError, match=r"sample\.json: not "):
            Sample.read(path)
    path.write_text(json.dumps(SAMPLE.to_json()), encoding="utf-8")
    assert Sample.read(path) == SAMPLE


def test_a_document_inside_another_and_a_class_with_its_own_json():
    class Own:
        def to_json(self) -> Any:
            return "own"

    assert encode({1: [SAMPLE, Own()]}) == {"1": [SAMPLE.to_json(), "own"]}


def test_schemas_describe_what_the_source_says():
    schema = json_schema(Sample)
    assert schema["title"] == "sigkd-sample" and schema["description"] == "A document of every kind of field."
    assert schema["$defs"]["Part"]["properties"]["share"]["description"] == "Of the whole."
    assert schema["required"] == ["format", "version", "parts", "size", "table", "out", "flag"]
    assert schema["$defs"]["Part"]["required"] == ["share", "parts", "verdict"]
    assert schema["properties"]["version"]["const"] == 2


def test_reading_does_not_make_documents_unequal_or_changeable():
    assert replace(SAMPLE, flag=True).to_json()["flag"] is True
    with pytest.raises(AttributeError):
        SAMPLE.flag = True


def test_a_seal_is_compared_and_costs_nothing_where_there_is_none():
    """Calibrations of megabytes are read by every cold ``verify``."""
    check_seal({"a": 0.1, "seal": seal_of({"a": 0.1})})
    with pytest.raises(ValueError, match="not what was saved"):
        check_seal({"a": 0.2, "seal": seal_of({"a": 0.1})})
    check_seal({"a": object(), "seal": None})  # which no JSON text, and no hash of one, could be made of
    check_seal({"a": object()})

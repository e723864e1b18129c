"""The page of a table of claims: everything in it, in the order in which a person must look, nothing from outside."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from sigkd.errors import UsageError
from sigkd.verification.claims import verify_claims
from sigkd.verification.report import Report
from sigkd.verification.report.batch import KINDS, Answered, _Composer
from sigkd.verification.report.case_file import CaseFile
from sigkd.verification.report.catalogue import Texts

HEADER = ("id", "path", "writer", "amount")
ROWS = [
    ("1", "Ada/4.png", "Ada", "<script>alert(1)</script>"),
    ("2", "Bob/4.png", "Ada", "80"),
    ("3", "bad.png", "Ada", ""),
    ("4", "Ada/5.png", "Adda", ""),
    ("5", "Bob/5.png", "Bob", "ö"),
    ("6", "Ada/0.png", "Ada", "1"),
]


@pytest.fixture
def bank(bank):
    """The same with a table of claims."""
    _, folder = bank
    (folder / "bad.png").write_bytes(b"no image")
    with (folder / "claims.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *ROWS])
    return bank


class Page(HTMLParser):
    """Rows with their group, tags and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.pictures = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes) -> None:
        given = dict(attributes)
        self.tags.append(tag)
        if tag == "article":
            self.rows.append((given["id"], given["class"].removeprefix("claim ")))
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        self.pictures += tag == "img"


def answers(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


def test_the_page_has_every_claim_in_the_order_of_what_to_look_at(bank) -> None:
    verifier, folder = bank
    report = Report(folder / "page.html")
    summary = verify_claims(verifier, folder / "claims.csv", folder / "out.csv", report=report)
    text = report.path.read_text(encoding="utf-8")
    page, found = Page(text), answers(folder / "out.csv")
    assert summary.report == report.path and report.path.stat().st_mode & 0o777 == 0o600
    assert sorted(page.rows) == sorted((f"row-{k + 2}", KINDS[row["answer"]]) for k, row in enumerate(found))
    kinds = [kind for _, kind in page.rows]
    assert kinds == sorted(kinds, key=list(KINDS.values()).index) and kinds[0] == "copy"
    # five scans can be shown; Ada's reference stands beside four of her claims, Bob's is not kept
    assert page.pictures == 5 + 4 and text.count("images are not kept") == 1 and text.count("nobody is enrolled") == 2
    assert page.tags.count("script") == 1 and "&lt;script&gt;alert" in text
    assert all(one.startswith(("#", "data:", "file://")) for one in page.addresses)
    assert (folder / "Ada" / "4.png").as_uri() in page.addresses
    for fact in (verifier.rule.facts.hash, verifier.binding.model_hash, verifier.gallery.id, "amount: 80"):
        assert fact in text
    assert str(verifier.gallery.meta("head")) in text


def test_what_is_absent_or_changed_is_said(bank) -> None:
    verifier, _ = bank
    verifier.gallery.connection.execute("UPDATE reference SET image = x'00' WHERE image IS NOT NULL")
    composer = _Composer(Texts(), lambda _: Answered(2, "Ada", {"answer": "error"}, ()), verifier.gallery, 10**6)
    assert "was changed" in composer.claim(0).pictures[1].absent
    assert (Texts()("batch.facts.head"), "no log") in composer.page([], "claims.csv", {"head": ""}).facts


def test_only_the_page_s_own_script_may_run(bank) -> None:
    verifier, folder = bank
    report = Report(folder / "page.html")
    verify_claims(verifier, folder / "claims.csv", folder / "out.csv", report=report)
    text = report.path.read_text(encoding="utf-8")
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    own = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{own}'" in text and "default-src 'none'" in text


def test_answers_of_an_earlier_run_are_in_it(bank, monkeypatch) -> None:
    verifier, folder = bank
    monkeypatch.setattr(
        "sigkd.verification.claims.write_table", lambda *_, **__: (_ for _ in ()).throw(OSError("full"))
    )
    with pytest.raises(OSError, match="full"):
        verify_claims(verifier, folder / "claims.csv", folder / "out.csv")
    monkeypatch.undo()
    Image.new("L", (300, 100), 255).save(folder / "Bob" / "4.png")  # another file in its place since
    report = Report(folder / "page.html")
    summary = verify_claims(verifier, folder / "claims.csv", folder / "out.csv", report=report)
    text = report.path.read_text(encoding="utf-8")
    page = Page(text)
    assert summary.resumed == 6 and len(page.rows) == 6
    assert page.pictures == 4 + 4 and text.count("not the one that was compared") == 1
    assert sum(entry.action == "verify" for entry in verifier.gallery.entries()) == 4


def test_the_pdf_has_the_same(bank) -> None:
    import pypdf

    verifier, folder = bank
    report = Report(folder / "page.pdf", paper="Letter")
    verify_claims(verifier, folder / "claims.csv", folder / "out.csv", report=report)
    assert report.path.stat().st_mode & 0o777 == 0o600
    file = pypdf.PdfReader(report.path)
    text = "\n".join(page.extract_text() for page in file.pages)
    assert all(f"row {number}" in text for number in range(2, 8))
    assert text.index("Suspected copy (") < text.index("No answer (") and "<script>" in text
    assert "".join(text.split()).count(verifier.rule.facts.hash) == 1
    assert sum(len(page.images) for page in file.pages) >= 5


def test_a_case_file_is_for_one_signature(bank) -> None:
    verifier, folder = bank
    with pytest.raises(UsageError, match="report of one signature"):
        verify_claims(verifier, folder / "claims.csv", folder / "out.csv", report=Report(folder / "p.html", CaseFile()))
    assert not list(folder.glob(".out*"))

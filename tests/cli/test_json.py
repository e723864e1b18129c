"""What commands print with ``--json`` fits its schema: those that no other test asks for a document.

``run_sigkd`` holds every document against its schema; here is only that each of these commands prints the right kind.
"""

from __future__ import annotations

from pathlib import Path

from sigkd.gallery import Gallery
from tests.conftest import RunSigkd
from tests.gallery.conftest import BINDING, stored


def test_the_commands_of_galleries(run_sigkd: RunSigkd, tmp_path: Path) -> None:
    file, archive = tmp_path / "g.sigkd", tmp_path / "all.npz"
    with Gallery.create(file) as gallery:
        gallery.enroll_many([("Ada", stored(1)), ("Bob", stored(2))], BINDING)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a secret\n")

    def formats(*commands: tuple[object, ...]) -> list[str]:
        return [
            run_sigkd("gallery", *words, "--gallery", file, "--json", expect=0).json["format"] for words in commands
        ]

    assert (
        formats(("rename", "Bob", "Bo"), ("note", "Bo", "left hand"), ("flag", "Bo", "stolen"))
        == ["sigkd-gallery-change"] * 3
    )
    assert formats(("remove", "Bo", "--reference", 1)) == ["sigkd-gallery-change"]
    assert formats(("export", archive), ("import", archive, "--replace"), ("log",), ("show", "Bo")) == [
        "sigkd-gallery-exported",
        "sigkd-gallery-import",
        "sigkd-gallery-log",
        "sigkd-gallery-writer",
    ]
    rekey = ("rekey", "--encrypt", "--new-passphrase-file", passphrase)
    assert formats(rekey) == ["sigkd-gallery-rekey"]


def test_policies(run_sigkd: RunSigkd, tmp_path: Path) -> None:
    file, gallery = tmp_path / "policy.toml", tmp_path / "g.sigkd"
    run_sigkd("policy", "init", file, expect=0)
    assert run_sigkd("policy", "check", file, file, "--json", expect=0).json["format"] == "sigkd-policy-check"
    Gallery.create(gallery).close()
    bound = run_sigkd("gallery", "settings", "--policy", file, "--gallery", gallery, "--json", expect=0).json
    assert bound["policy_hash"] == run_sigkd("policy", "show", file, "--json", expect=0).json["hash"]

"""Policies: files, what they let be compared, who may change answers, and what is bound to a gallery."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import sigkd
from sigkd import Choices, Verifier
from sigkd.errors import InputError, UsageError
from sigkd.gallery.changes import write_notes
from sigkd.verification.codes import CODES
from sigkd.verification.decision import Decision
from sigkd.verification.policy import Policy, bind_policy, chosen_policy, policy_of, read_policy


def test_a_written_policy_is_read_back(tmp_path: Path) -> None:
    policies = [
        Policy(),
        Policy(name='the "bank"', far=0.01, triage=True, formats=["PNG"], least_dpi=200, remarks={"cropped": "refuse"}),
    ]
    for policy in policies:
        (tmp_path / "p.toml").write_text(policy.to_toml())
        again = read_policy(tmp_path / "p.toml")
        assert again == policy and again.hash == policy.hash
    assert policies[0].hash != policies[1].hash
    # a comment is no other policy
    assert policy_of("# mine\n" + Policy().to_toml(), "x").hash == Policy().hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acept_lr = 3", "Did you mean 'accept_lr'"),
        ("accept_lr = 1.5", "`accept_lr` must lie in"),
        ("reject_lr = 0.9", "`reject_lr` must lie in"),
        ("accept_lr = nan", "`accept_lr` must lie in"),
        ('accept_lr = "10"', "must be a number"),
        ("[remarks]\ncroped = 'warn'", "Did you mean 'cropped'"),
        ("[remarks]\ncropped = 'warm'", "Did you mean 'warn'"),
        ("formats = ['PGN']", "Did you mean 'PNG'"),
        ("least_dpi = 600\nmost_dpi = 300", "is above"),
        ("name = ' '", "may not be empty"),
        ("method = 'logit'", "unknown calibration method"),
        ("triage", "not TOML"),
    ],
)
def test_mistakes_are_one_line_with_the_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises((UsageError, InputError), match=re.escape(words)) as error:
        read_policy(tmp_path / "p.toml")
    assert str(error.value).startswith(str(tmp_path / "p.toml"))


def test_every_code_of_a_remark_is_in_the_catalogue() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(sigkd.__file__).parent.rglob("*.py"))
    found = set(re.findall(r'\b(?:Remark|add)\(\s*"([a-z-]+)",\s*\(?f?"', source))
    assert {"cropped", "copy", "duplicate", "size", "blurred"} <= found
    assert found & set(CODES) and not {code for code in found if code not in CODES} - {
        "decode",
        "writing",
        "box",
        "scale",
        "light",
        "surroundings",  # steps of reading, not remarks
    }


def test_what_a_policy_asks_of_a_scan(tiny_model, tiny_cohort, scans, tmp_path: Path) -> None:
    from PIL import Image

    file = tmp_path / "query.png"
    Image.fromarray(scans["Ada"][4]).save(file)
    choices = Choices(model=tiny_model, cohort=tiny_cohort, device="cpu")

    def judged(**policy: object):
        own = Policy(**policy)  # type: ignore[arg-type]
        return Verifier(replace(choices, policy=own)).verify_against(scans["Ada"][:2], file)

    assert judged().decision in (Decision.ACCEPTED, Decision.REJECTED) and judged().policy.name == "default"
    few = judged(least_references=3)
    assert few.decision is Decision.INCONCLUSIVE and few.decisive == ("few-references",)
    refused = judged(formats=["TIFF"])
    assert refused.decision is Decision.REFUSED and refused.decisive == ("format",) and refused.evidence is None
    assert judged(formats=["TIFF"], remarks={"format": "warn"}).decision is judged().decision
    # a model that looks at pixels tells no resolution
    assert judged(least_dpi=200).decisive == ("resolution",)
    assert judged(remarks={"uncalibrated": "inconclusive"}).decisive == ("uncalibrated",)
    triaged = Verifier(replace(choices, policy=Policy(triage=True))).verify_against(scans["Ada"][:3], scans["Bob"][0])
    assert triaged.decision is Decision.INCONCLUSIVE and triaged.thresholds.reject is None
    # a copy stays one, whatever the policy says, unless it is stricter
    copy = replace(choices, policy=Policy(remarks={"copy": "warn"}))
    assert Verifier(copy).verify_against(scans["Ada"][:2], scans["Ada"][1]).decision is Decision.COPY


def test_who_may_change_answers(monkeypatch) -> None:
    closed = Policy(override=["examiner-*"])
    monkeypatch.setattr("sigkd.gallery.audit.default_actor", lambda: "clerk")
    with pytest.raises(UsageError, match="does not let 'clerk' change"):
        closed.with_changes({"far": 0.01})
    assert closed.with_changes({"far": None}).facts.changed == {}
    monkeypatch.setattr("sigkd.gallery.audit.default_actor", lambda: "examiner-3")
    changed = closed.with_changes({"far": 0.01, "classifier": "wi"})
    assert changed.policy.far == 0.01 and changed.facts.hash == closed.hash
    assert changed.facts.changed == {"far": "0.01", "classifier": "wi"} and "changed: far 0.01" in str(changed.facts)
    with pytest.raises(UsageError, match="under another name"):
        Policy(allow_actor=False).check_actor("somebody")
    Policy(allow_actor=False).check_actor("examiner-3")
    with pytest.raises(UsageError, match="asks for an entry in the log"):
        Policy(allow_no_audit=False).check_audit(False)
    with pytest.raises(UsageError, match="not a calibration of the policy"):
        Policy(calibrations=["ab" * 6]).check_calibration("cd" * 32, "c.json")
    Policy(calibrations=["cd" * 6]).check_calibration("cd" * 32, "c.json")


def test_a_bound_policy_holds(tiny_model, tiny_cohort, scans, tmp_path: Path, monkeypatch) -> None:
    choices = Choices(model=tiny_model, cohort=tiny_cohort, device="cpu")
    file = tmp_path / "g.sigkd"
    with Verifier(choices, gallery=file) as verifier:
        verifier.enroll("Ada", scans["Ada"][:3])
        (tmp_path / "p.toml").write_text('name = "bank"\nversion = "7"\nleast_references = 4\nallow_actor = false')
        bind_policy(verifier.gallery, tmp_path / "p.toml")
    with Verifier(choices, gallery=file) as verifier:
        answer = verifier.verify("Ada", scans["Ada"][4])
        assert answer.decision is Decision.INCONCLUSIVE and answer.policy.name == "bank"
        entry = verifier.gallery.entries("Ada")[-1]
        assert entry.detail["policy"] == f"bank 7 {answer.policy.hash[:16]}"
        assert entry.detail["remarks"] == ["few-references"] and "accept" in entry.detail
    # the variable gives way, another file does not
    monkeypatch.setenv("SIGKD_POLICY", str(tmp_path / "absent.toml"))
    with Verifier(choices, gallery=file) as verifier:
        assert verifier.rule.policy.name == "bank"
    with (
        Verifier(replace(choices, policy=Policy()), gallery=file) as verifier,
        pytest.raises(UsageError, match="is bound to the policy bank 7"),
    ):
        verifier.verify("Ada", scans["Ada"][4])
    with Verifier(choices, gallery=file, actor="x") as verifier, pytest.raises(UsageError, match="another name"):
        verifier.verify("Ada", scans["Ada"][4])
    with pytest.raises(InputError, match=r"absent.toml"):
        chosen_policy(None)


def test_commands(run_sigkd, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("SIGKD_POLICY", raising=False)
    file = tmp_path / "bank.toml"
    run_sigkd("policy", "init", file, "--name", "bank", expect=0)
    assert "exists" in run_sigkd("policy", "init", file, expect=2).stderr
    assert "bank 1" in run_sigkd("policy", "check", file, expect=0).stdout
    file.write_text(file.read_text().replace("accept_lr = 10.0", "accept_lr = 100"))
    shown = run_sigkd("policy", "show", file, "--json", expect=0).json
    assert shown["policy"]["accept_lr"] == 100 and shown["remarks"]["copy"] == "inconclusive"
    assert shown["hash"] == read_policy(file).hash
    assert "accept_lr" in run_sigkd("policy", "show", expect=0).stdout
    assert "policy init" in run_sigkd("policy", "check", tmp_path / "no.toml", expect=4).stderr
    assert run_sigkd("policy", "init", expect=0).stdout.startswith("# A policy of sigkd")


def test_rates_in_per_cent(run_sigkd) -> None:
    for text, words in (("5%", "absent"), ("0.05", "absent"), ("5 percent", "no rate"), ("500%", "must lie in")):
        outcome = run_sigkd("verify", "absent1.png", "absent2.png", "--far", text)
        assert words in outcome.stderr


def test_a_flag_leaves_the_answer_to_a_person(tiny_model, tiny_cohort, scans, tmp_path: Path) -> None:
    choices = Choices(model=tiny_model, cohort=tiny_cohort, device="cpu")
    with Verifier(choices, gallery=tmp_path / "g.sigkd") as verifier:
        verifier.enroll("Ada", scans["Ada"][:3])
        plain = verifier.verify("Ada", scans["Bob"][4])
        write_notes(verifier.gallery, "Ada", flag="stolen")
        flagged = verifier.verify("Ada", scans["Bob"][4])
        assert plain.decision is Decision.REJECTED and flagged.decision is Decision.INCONCLUSIVE
        assert flagged.decisive == ("flagged",) and flagged.score == plain.score
    relaxed = replace(choices, policy=Policy(remarks={"flagged": "warn"}))
    with Verifier(relaxed, gallery=tmp_path / "g.sigkd") as verifier:
        assert verifier.verify("Ada", scans["Bob"][4]).decision is Decision.REJECTED


def test_kept_images_stay_kept(tiny_model, tiny_cohort, scans, tmp_path: Path) -> None:
    with Verifier(
        Choices(model=tiny_model, cohort=tiny_cohort, device="cpu"), gallery=tmp_path / "g.sigkd"
    ) as verifier:
        verifier.enroll("Ada", scans["Ada"][:2], keep_images=True)
        verifier.enroll("Bob", scans["Bob"][:2])
        for mode in ("replace", "add"):
            verifier.enroll("Ada", scans["Ada"][2:4] if mode == "replace" else scans["Ada"][4:], mode=mode)
            verifier.enroll("Bob", scans["Bob"][2:4] if mode == "replace" else scans["Bob"][4:], mode=mode)
        kept = {one.name: one.images for one in verifier.gallery.writers()}
    assert kept == {"Ada": True, "Bob": False}

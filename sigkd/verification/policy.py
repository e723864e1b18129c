"""Policies: who may answer what, on which evidence. A TOML file with a name and a version; answers keep its hash.

Every key is a field here, declared once: for the file, for ``sigkd policy show``, and for the file that ``sigkd policy
init`` writes. A policy turns scores into answers by one rule: accepted from a likelihood ratio (or a stated error rate)
on, rejected at another and below, and a person decides between them.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sigkd.configuration import RATE, Range, check, option, options, parse_tables, update
from sigkd.errors import InputError, UsageError
from sigkd.images.formats import FORMATS, LEAST_DPI, MOST_DPI
from sigkd.registry import check_name
from sigkd.verification.calibrations import METHODS
from sigkd.verification.codes import CODES, NOT_COMPARABLE
from sigkd.verification.decision import Decision
from sigkd.words import counted

if TYPE_CHECKING:
    from sigkd.gallery import Gallery
    from sigkd.images.remarks import Remark
    from sigkd.images.scan_facts import ScanFacts

VARIABLE = "SIGKD_POLICY"
"""Names the policy's file where nothing else does."""
ACTIONS = ("warn", "inconclusive", "refuse")
"""What a remark does, the mildest first."""
Action = Literal["warn", "inconclusive", "refuse"]
SCANS = Range(LEAST_DPI, MOST_DPI)
HEIF = "HEIF"
CHANGEABLE = ("far", "frr", "against", "method", "classifier")
"""Choices of a command that change an answer, and that a policy may reserve."""


@dataclass(frozen=True)
class Policy:
    """A policy.

    Example:
        >>> Policy(name="counter", accept_lr=100).title
        'counter 1'
    """

    name: str = option("default", "What answers, log and reports call it.")
    version: str = option("1", "Changed whenever the policy is.")
    accept_lr: float = option(
        10.0, "Accepted from this likelihood ratio on.", Range(2, 1e12), group="when the three answers are given"
    )
    reject_lr: float = option(
        0.1, "Rejected at this likelihood ratio and below; between the two a person decides.", Range(0, 0.5, True)
    )
    far: float | None = option(
        None, "Instead of accept_lr: the share of forgeries that may be accepted, e.g. 0.01.", RATE
    )
    frr: float | None = option(
        None, "Instead of reject_lr: the share of genuine signatures that may be rejected, e.g. 0.01.", RATE
    )
    against: Literal["skilled", "random"] | None = option(
        None, "The alternative: {choices} forgeries. Left out: skilled ones where the calibration knows them."
    )
    method: str | None = option(None, "Of calibration: {choices}. Left out: what its file recommends.", names=METHODS)
    triage: bool = option(False, "Accept, or a person looks: the software never rejects.")
    calibrations: list[str] = option([], "Hashes (12 digits or more) of calibrations that may be used; none: any.")
    least_references: int = option(
        1, "With fewer references a person decides (remark few-references).", Range(1), group="what may be compared"
    )
    formats: list[str] = option(
        [], f"Formats of questioned scans (remark format): {', '.join((*FORMATS, HEIF))}; none: any."
    )
    least_dpi: float | None = option(None, "Least resolution of questioned scans (remark resolution).", SCANS)
    most_dpi: float | None = option(None, "Highest resolution of questioned scans.", SCANS)
    review_accepted: float = option(
        0.02,
        "Share of accepted answers that a person looks at, drawn by chance.",
        Range(0, 1),
        group="what a person looks at ('sigkd review')",
    )
    review_rejected: float = option(0.02, "Share of rejected answers, likewise.", Range(0, 1))
    four_eyes: bool = option(False, "Whether two people have to agree on each of them.")
    override: list[str] = option(
        ["*"],
        f"Users (patterns of login names) who may choose {', '.join(CHANGEABLE)} themselves; none: nobody.",
        group="who may do what",
    )
    allow_no_audit: bool = option(True, "Whether verifications may be left out of the log.")
    allow_actor: bool = option(True, "Whether somebody else than the user may be named in the log.")
    remarks: dict[str, Action] = option(
        {},
        "What each remark does: warn, inconclusive (a person decides) or refuse (there is no answer).",
        group="remarks",
    )

    def __post_init__(self) -> None:
        """Check the policy.

        Raises:
            UsageError: a value outside of its range, or an unknown name.
        """
        check(self)
        for key in ("name", "version"):
            if not getattr(self, key).strip():
                raise UsageError(f"`{key}` of a policy may not be empty")
        if self.method is not None:
            METHODS.check(self.method)
        for code in self.remarks:
            check_name(code, CODES, "remark")
        for name in self.formats:
            check_name(name, (*FORMATS, HEIF), "format")
        if self.least_dpi is not None and self.most_dpi is not None and self.least_dpi > self.most_dpi:
            raise UsageError(f"`least_dpi` {self.least_dpi:g} is above `most_dpi` {self.most_dpi:g}")

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    @property
    def hash(self) -> str:
        """SHA-256 of what the policy says; comments and the order of keys do not count."""
        # TOML's 10 and 10.0 are the same rule; bool is an int to isinstance, so the type itself is asked.
        facts = {key: float(value) if type(value) is int else value for key, value in asdict(self).items()}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def action(self, code: str, *, least: Action = "warn") -> Action:
        """Return what a remark does.

        Args:
            code: of the remark.
            least: what the comparison itself asks for; a policy may be stricter, not milder.
        """
        chosen = self.remarks.get(code, DEFAULT_ACTIONS.get(code, "warn"))
        # The stricter of the two.
        return max(chosen, least, key=ACTIONS.index)

    def reviewed(self, decision: Decision) -> float | None:
        """Return which share of such answers a person looks at; None where that is no matter of chance."""
        return {Decision.ACCEPTED: self.review_accepted, Decision.REJECTED: self.review_rejected}.get(decision)

    @property
    def people(self) -> int:
        """How many have to agree on an answer that a person looks at."""
        return 2 if self.four_eyes else 1

    def findings(self, format: str, scan: ScanFacts | None, references: int, *, calibrated: bool) -> list[Remark]:
        """Return remarks on what the policy asks of a comparison.

        Args:
            format: of the questioned scan's file; empty for an array.
            scan: what is known of the scan; None for models that look at pixels as they are.
            references: how many there are.
            calibrated: whether a calibration fits.
        """
        from sigkd.images.remarks import Remark

        found = []
        if references < self.least_references:
            few = f"{counted(references, 'reference')}; the policy {self.title} asks for"
            found.append(Remark("few-references", f"{few} {self.least_references}"))
        if self.formats and format and format not in self.formats:
            found.append(Remark("format", f"a {format} file; the policy {self.title} takes {', '.join(self.formats)}"))
        if self.least_dpi is not None or self.most_dpi is not None:
            low, high = self.least_dpi or LEAST_DPI, self.most_dpi or MOST_DPI
            known = scan is not None and scan.scale_known
            size = scan.reckoned if scan is not None else None
            if size is None or not known or not (low <= min(size.x, size.y) and max(size.x, size.y) <= high):
                told = str(size) if size is not None and known else "an unknown resolution"
                asked = f"the policy {self.title} takes {low:g} to {high:g} dpi"
                found.append(Remark("resolution", f"{told}; {asked}"))
        if not calibrated and self.action("uncalibrated") != "warn":
            found.append(Remark("uncalibrated", f"the policy {self.title} asks for a calibration, and none fits"))
        return found

    def check_calibration(self, hash: str, source: str) -> None:
        """Refuse a calibration that the policy does not name.

        Raises:
            UsageError: another one.
        """
        if self.calibrations and not any(len(one) >= _DIGITS and hash.startswith(one) for one in self.calibrations):
            raise UsageError(f"{source} ({hash[:12]}): not a calibration of the policy {self.title}")

    def check_actor(self, actor: str | None) -> None:
        """Refuse another name for the log than the user's, where the policy does.

        Raises:
            UsageError: it does.
        """
        if actor is not None and not self.allow_actor and actor != _user():
            raise UsageError(f"`actor`: the policy {self.title} lets nobody act under another name")

    def check_audit(self, audit: bool) -> None:
        """Refuse to leave out the log, where the policy does.

        Raises:
            UsageError: it does.
        """
        if not audit and not self.allow_no_audit:
            raise UsageError(f"the log may not be left out: the policy {self.title} asks for an entry in the log")

    def with_changes(self, given: Mapping[str, Any]) -> PolicyInForce:
        """Return the policy with what a command (or a program) asks for instead.

        Args:
            given: of :data:`CHANGEABLE`; None where nothing was asked.

        Raises:
            UsageError: the policy does not let this user change it.
        """
        changes = {name: value for name, value in given.items() if value is not None}
        # Case counts on every system: fnmatch() alone would take Ada for ada on Windows.
        if changes and not any(fnmatch.fnmatchcase(_user(), pattern) for pattern in self.override):
            names = ", ".join(f"`{name}`" for name in changes)
            raise UsageError(f"{names}: the policy {self.title} does not let '{_user()}' change its answers")
        own = {name: value for name, value in changes.items() if name in {field.name for field in fields(self)}}
        facts = PolicyFacts(self.name, self.version, self.hash, {name: str(value) for name, value in changes.items()})
        return PolicyInForce(replace(self, **own), facts)

    def to_toml(self) -> str:
        """Return a file with every key and what it means; keys that are left out are commented."""
        lines = ["# A policy of sigkd: who may answer what, on which evidence. 'sigkd policy check FILE' checks it."]
        group = ""
        for one in options(self):
            if one.name == "remarks":
                continue
            if one.group != group:
                group = one.group
                lines += ["", f"# -- {group}"]
            lines.append(f"\n# {one.help}")
            value = getattr(self, one.name)
            lines.append(f"# {one.name} =" if value is None else f"{one.name} = {json.dumps(value)}")
        (remarks,) = (one for one in options(self) if one.name == "remarks")
        lines += ["", f"# {remarks.help}", "[remarks]"]
        for code, text in CODES.items():
            set_here = code in self.remarks
            mark = "" if set_here else "# "
            value = json.dumps(self.remarks[code] if set_here else DEFAULT_ACTIONS.get(code, "warn"))
            lines.append(f"{mark}{code} = {value}  # {text}")
        return "\n".join(lines) + "\n"


_DIGITS = 12
DEFAULT_ACTIONS: dict[str, Action] = {
    "few-references": "inconclusive",
    "flagged": "inconclusive",
    "format": "refuse",
    "resolution": "refuse",
    "copy": "inconclusive",
    # with these a scan is like none that the calibration knows
    **dict.fromkeys(sorted(NOT_COMPARABLE), "inconclusive"),
    "size": "inconclusive",
}
"""What remarks do that a policy says nothing of, where that is more than a warning."""


@dataclass(frozen=True)
class PolicyFacts:
    """The policy behind an answer."""

    name: str
    version: str
    hash: str
    """SHA-256 of what the policy says."""
    changed: dict[str, str]
    """What the command asked for instead of what the policy says."""

    def __str__(self) -> str:
        changed = ", ".join(f"{name} {value}" for name, value in self.changed.items())
        return f"{self.name} {self.version}, {self.hash[:12]}" + (f"; changed: {changed}" if changed else "")


@dataclass(frozen=True)
class PolicyInForce:
    """A policy as it is applied."""

    policy: Policy
    """With the changes."""
    facts: PolicyFacts

    @classmethod
    def of(cls, policy: Policy) -> PolicyInForce:
        """Return a policy as it is."""
        return policy.with_changes({})


def _user() -> str:
    from sigkd.gallery.audit import default_actor

    return default_actor()


def policy_of(text: str, source: str) -> Policy:
    """Return the policy that a TOML text describes; keys that it leaves out have their defaults.

    Raises:
        InputError: not TOML; UsageError: an unknown key or a value that it may not have.
    """
    document = parse_tables(text, source)
    try:
        return update(Policy(), document, source)
    except UsageError as error:
        words = str(error)
        raise UsageError(words if words.startswith(source) else f"{source}: {words}") from None


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        InputError: absent or not TOML; UsageError: an unknown key or a value that it may not have.
    """
    return policy_of(policy_text(path), str(path))


def policy_text(path: Path) -> str:
    """Return the text of a policy's file.

    Raises:
        InputError: absent, or no text.
    """
    try:
        # Editors on Windows put a mark before the text.
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not TOML in UTF-8 ({error})") from None
    except OSError as error:
        remedy = "; 'sigkd policy init FILE' writes one" if not Path(path).exists() else ""
        raise InputError(f"{path}: {error.strerror or 'not readable'}{remedy}") from None


def chosen_policy(option: Policy | str | Path | None, bound: str | None = None, place: str = "") -> Policy:
    """Return the policy in force: the one bound to the gallery, else the named one, else ``$SIGKD_POLICY``'s.

    Args:
        option: what a command or a program names.
        bound: the text that is bound to the gallery.
        place: the gallery, for messages.

    Raises:
        UsageError: another one is named than the gallery's; InputError: the file cannot be read.
    """
    named = option if option is None or isinstance(option, Policy) else read_policy(Path(option))
    if bound is not None:
        own = policy_of(bound, f"{place}: its policy")
        # By what they say: the same policy in another file is no contradiction.
        if named is not None and named.hash != own.hash:
            raise UsageError(
                f"{place}: is bound to the policy {own.title} ({own.hash[:12]}), not {named.title} "
                f"({named.hash[:12]}): leave `policy` out, or see 'sigkd gallery settings --policy'"
            )
        return own
    if named is not None:
        return named
    file = os.environ.get(VARIABLE)
    return read_policy(Path(file)) if file else Policy()


def bound_policy(gallery: Gallery) -> Policy | None:
    """Return the policy that is bound to a gallery; None: none."""
    text = gallery.policy
    return None if text is None else policy_of(text, f"{gallery.path}: its policy")


def bind_policy(gallery: Gallery, path: Path | None, *, actor: str | None = None) -> None:
    """Bind the policy of a file to a gallery, or (None) none: it is the rule of all answers from it.

    Raises:
        InputError: the file cannot be read; UsageError: it is no policy.
    """
    if path is None:
        gallery.bind_policy(None, {}, actor=actor)
        return
    # The text is kept, not the path: the file may change, the gallery's rule only by this command.
    text = policy_text(path)
    policy = policy_of(text, str(path))
    gallery.bind_policy(text, {"name": policy.name, "version": policy.version, "hash": policy.hash}, actor=actor)


def policy_in_force(gallery: Gallery) -> Policy:
    """Return the policy of a gallery: the one bound to it, else ``$SIGKD_POLICY``'s, else the default.

    Raises:
        InputError: its file cannot be read.
    """
    return chosen_policy(None, gallery.policy, str(gallery.path))


def check_actor(gallery: Gallery, actor: str | None) -> None:
    """Refuse another name for the log than the user's, where the policy in force does.

    Raises:
        UsageError: it does.
    """
    if actor is not None:
        policy_in_force(gallery).check_actor(actor)


def switch_log(gallery: Gallery, state: str, *, actor: str | None = None) -> None:
    """Switch a gallery's log ``on`` or ``off``, where the policy in force lets it be left out.

    Raises:
        UsageError: it does not, or another state.
    """
    policy_in_force(gallery).check_audit(state != "off")
    gallery.switch_log(state, actor=actor)


def actions(policy: Policy) -> dict[str, str]:
    """Return what each remark does."""
    return {code: policy.action(code) for code in CODES}

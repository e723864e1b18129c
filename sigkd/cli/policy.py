"""``sigkd policy``: the rule by which scores become answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import group
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json
from sigkd.cli.output import Table, note_line, say, show

if TYPE_CHECKING:
    from sigkd.verification.policy_document import PolicyDocument

policy_app = group("policy", "Write, show and check the policy of the answers.")

PolicyArgument = Annotated[
    Path | None, typer.Argument(help="The policy.", show_default="$SIGKD_POLICY, else the default policy")
]


@policy_app.command("init", cls=SigkdCommand)
def init(
    out: Annotated[Path | None, typer.Argument(help="Where to write (.toml).", show_default="stdout")] = None,
    name: Annotated[str, typer.Option(help="What answers, log and reports call it.")] = "default",
) -> None:
    """Write a policy with every key, what it means, and its default.

    Example: sigkd policy init counter.toml --name counter
    """
    from sigkd.errors import UsageError
    from sigkd.files import write_text
    from sigkd.verification.policy import Policy

    text = Policy(name=name).to_toml()
    if out is None:
        say(text.rstrip())
        return
    if out.exists():
        raise UsageError(f"{out}: exists; a policy is not overwritten: name another file, or edit this one")
    write_text(out, text)
    note_line(f"{out}: the default rule, to edit; then 'sigkd policy check {out}'")


@policy_app.command("show", cls=SigkdCommand)
def show_policy(file: PolicyArgument = None, *, json: Json = False) -> None:
    """Show what a policy says: every key, and what each remark does.

    Example: sigkd policy show counter.toml
    """
    from sigkd.verification.policy import chosen_policy
    from sigkd.verification.policy_document import PolicyDocument

    show(PolicyDocument.of(chosen_policy(file)), json, _tables)


@policy_app.command("check", cls=SigkdCommand)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Policies.")], *, json: Json = False
) -> None:
    """Check policies: exit code 2 or 4 and one line where something is wrong.

    Example: sigkd policy check counter.toml
    """
    from sigkd.verification.policy import read_policy
    from sigkd.verification.policy_document import PolicyCheck, PolicyDocument

    found = [PolicyDocument.of(read_policy(file)) for file in files]
    lines = [f"{file}: {one.title}, {one.hash[:12]}: sound" for file, one in zip(files, found, strict=True)]
    show(PolicyCheck(policies=found), json, "\n".join(lines))


def _tables(document: PolicyDocument) -> list[Table]:
    from sigkd.configuration import options
    from sigkd.verification.codes import CODES

    table = Table(title=f"{document.title}, {document.hash[:12]}")
    for column in ("key", "value", "meaning"):
        table.add_column(column)
    for one in options(document.policy):
        value = getattr(document.policy, one.name)
        if one.name != "remarks":
            shown = "-" if value is None else ", ".join(value) or "-" if isinstance(value, list) else f"{value}"
            table.add_row(one.name, shown, one.help)
    remarks = Table(title="remarks")
    for column in ("code", "does", "meaning"):
        remarks.add_column(column)
    for code, action in document.remarks.items():
        remarks.add_row(code, action, CODES[code])
    return [table, remarks]

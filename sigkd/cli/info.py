"""``sigkd info``: versions, devices, folders, the default model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Common, with_common
from sigkd.cli.output import Table, show

if TYPE_CHECKING:
    from sigkd.models.environment import Environment, FingerprintCheck


@app.command(cls=SigkdCommand)
@with_common("cpu")
def info(
    check: Annotated[
        bool, typer.Option("--check", help="Recompute the default model's hash and features; exit 5 if they are off.")
    ] = False,
    network: Annotated[
        bool, typer.Option("--network", help="Ask the hosts of the published weights whether they answer.")
    ] = False,
    *,
    common: Common,
) -> None:
    """Show versions, devices, folders and the default model.

    Example: sigkd info --check
    """
    from sigkd.errors import ModelError
    from sigkd.models.device import resolve_device
    from sigkd.models.environment import environment

    facts = environment(
        cache=common.cache_dir,
        data=common.data_dir,
        check=check,
        device=str(resolve_device(common.device)),
        network=network,
    )
    show(facts, common.json, _table)
    if facts.check_error is not None:
        raise ModelError(facts.check_error)
    if facts.check is not None:
        facts.check.require()


def _table(facts: Environment) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    libraries = dict(facts.versions)
    table.add_row("sigkd", libraries.pop("sigkd"))
    table.add_row("python", f"{libraries.pop('python')} on {facts.platform}")
    table.add_row("libraries", ", ".join(f"{name} {found or 'absent'}" for name, found in libraries.items()))
    for device in facts.devices:
        memory = f", {device.memory_bytes / 2**30:.0f} GiB" if device.memory_bytes else ""
        table.add_row("device", f"{device.device} ({device.name}{memory})")
    for name, folder in (("data", facts.data), ("cache", facts.cache)):
        state = "" if folder.exists else ", not there yet"
        state += "" if folder.writable else ", NOT WRITABLE"
        table.add_row(name, f"{folder.path} ({folder.free_bytes / 2**30:.1f} GiB free{state})")
    cached = facts.cached_weights
    size = f"{', '.join(cached)} ({sum(cached.values()) / 1e6:.1f} MB)"
    table.add_row("cached weights", size if cached else "none")
    if facts.offline:
        table.add_row("network", "SIGKD_OFFLINE is set: no calls are made")
    model = facts.default_model
    described = f"{model.name}: not in this installation ({model.path})"
    if model.bytes is not None:
        described = f"{model.name} ({model.architecture}, {model.bytes / 1e6:.1f} MB), hash {str(model.hash)[:16]}"
    table.add_row("default model", described)
    if facts.check is not None or facts.check_error is not None:
        table.add_row("fingerprint", _verdict(facts.check))
    for host, answer in (facts.network or {}).items():
        table.add_row("network", f"{host}: {answer}")
    return table


def _verdict(check: FingerprintCheck | None) -> str:
    if check is None:
        return "not checked"
    if check.ok is None:
        return "computed; the file states none to compare with"
    word = "right" if check.ok else "WRONG"
    distance = "beyond comparison" if check.distance is None else f"off by {check.distance:.1e}"
    return f"{word} on {check.device}: {distance} (at most {check.tolerance:g})"

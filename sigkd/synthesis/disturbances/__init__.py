"""What happens to signatures on their way into a file: a registry of disturbances, each at a level in physical units.

A disturbance is a function of (scan, level, random generator) -> scan, see :class:`Scan`. The same seed gives the same
picture. New ones: a function with ``@disturbance(...)`` in the module of its family.

Example::

    scan = Scan(image, dpi=(300, 300), tag=(300, 300))
    shaded = parse_chain("line+shade=0.4")(scan, seed=1)
"""

# the order of families is the order of listings: the compositions stand last, since they name the others
from sigkd.synthesis.disturbances import resolution  # noqa: F401 isort: skip
from sigkd.synthesis.disturbances import lines, printing, light, edges, paper, ink, bilevel, optics, geometry  # noqa: F401 isort: skip
from sigkd.synthesis.disturbances import compositions  # noqa: F401 isort: skip
from sigkd.synthesis.disturbances.registry import (
    DISTURBANCES,
    Chain,
    Disturbance,
    all_disturbances,
    disturbance,
    parse_chain,
    parse_chains,
)
from sigkd.synthesis.disturbances.scan import Scan

__all__ = [
    "DISTURBANCES",
    "Chain",
    "Disturbance",
    "Scan",
    "all_disturbances",
    "disturbance",
    "parse_chain",
    "parse_chains",
]

"""What features are bound to: vectors of different networks, preprocessing or canvases must never meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sigkd.models.io import LoadedModel


@dataclass(frozen=True)
class Binding:
    """The origin of feature vectors."""

    model_hash: str
    """SHA-256 of the weights."""
    preprocess_version: str
    canvas: tuple[int, int]
    """Height and width in pixels of the canvas on which signatures were normalised."""
    model_name: str = ""
    """For people; it takes no part in the comparison."""

    @classmethod
    def of(cls, model: LoadedModel) -> Binding:
        """Return the binding of features that ``model`` extracts from images normalised by this installation."""
        height, width = model.canvas
        return cls(model.hash, model.placing.version, (int(height), int(width)), model.name)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Binding:
        """Return the binding recorded by :meth:`as_dict`; missing facts become empty."""
        canvas = facts.get("canvas") or (0, 0)
        return cls(
            str(facts.get("model_hash", "")),
            str(facts.get("preprocess_version", "")),
            (int(canvas[0]), int(canvas[1])),
            str(facts.get("model_name", "")),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return {
            "model_name": self.model_name,
            "model_hash": self.model_hash,
            "preprocess_version": self.preprocess_version,
            "canvas": list(self.canvas),
        }

    def difference(self, other: Binding) -> str | None:
        """Return in words how ``other`` differs, None where its features may be compared with these."""
        if self.model_hash != other.model_hash:
            return f"the model is {_model(self)}, not {_model(other)}"
        if self.preprocess_version != other.preprocess_version:
            return f"the preprocessing is version {self.preprocess_version}, not {other.preprocess_version}"
        if any(self.canvas) and any(other.canvas) and self.canvas != other.canvas:  # in views there is no canvas
            return f"the canvas is {_size(self.canvas)}, not {_size(other.canvas)}"
        return None


def _model(binding: Binding) -> str:
    return f"{binding.model_name or 'unnamed'} ({binding.model_hash[:12] or 'no hash'})"


def _size(canvas: tuple[int, int]) -> str:
    return f"{canvas[0]}x{canvas[1]}"

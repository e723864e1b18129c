"""The version, in a module of its own: whatever needs it must not import the package's public interface."""

__version__ = "0.1.0"

"""Signature and text datasets: how they lie on disk, and their prepared forms."""

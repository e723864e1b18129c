"""Which files are taken for images."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
"""Formats that are recognised, by content."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
"""Suffixes (lower case) by which folders are searched for images; what a file really is, its content says."""

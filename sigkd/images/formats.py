"""Which files are taken for images."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "AVIF")
"""Formats that are recognised, by content; HEIF as well where the extra ``sigkd[heic]`` is installed."""

READABLE = "PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000 or AVIF"
"""The formats in words."""

# fmt: off
SUFFIXES = frozenset((
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".j2k", ".jpx", ".avif",
    ".heic", ".heif",
))
# fmt: on
"""Suffixes (lower case) by which folders are searched for images; what a file really is, its content says."""

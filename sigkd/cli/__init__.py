"""The command line: one file per command, each parses, validates, calls one core function and renders."""

"""The standard profile CSV: a compiled strict parser, its readable reference, and the writer."""

from ogniwo.formats.profile_csv.parser import (
    LineTooLong,
    ProfileContents,
    ProfileCsvReader,
    inspect_profile_csv,
    parse_profile_csv,
)
from ogniwo.formats.profile_csv.result import ParsedProfile
from ogniwo.formats.profile_csv.vocabulary import CHANNELS, HEADER, Issue
from ogniwo.formats.profile_csv.writer import write_profile_csv

__all__ = [
    "CHANNELS",
    "HEADER",
    "Issue",
    "LineTooLong",
    "ParsedProfile",
    "ProfileContents",
    "ProfileCsvReader",
    "inspect_profile_csv",
    "parse_profile_csv",
    "write_profile_csv",
]

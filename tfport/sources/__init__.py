"""Where bytes come from: pinned files, one cache keyed by sha256, five kinds of places."""

from __future__ import annotations

from tfport.sources.archive import extract_member
from tfport.sources.bundle import Bundle, write_bundle
from tfport.sources.cache import SourceCache
from tfport.sources.fetch import fetch, missing
from tfport.sources.progress import Progress, Silent, Task
from tfport.sources.ref import SourceRef
from tfport.sources.url import Limits
from tfport.sums import sha256_of

__all__ = [
    "Bundle",
    "Limits",
    "Progress",
    "Silent",
    "SourceCache",
    "SourceRef",
    "Task",
    "extract_member",
    "fetch",
    "missing",
    "sha256_of",
    "write_bundle",
]

"""tfport: TensorFlow for ARMv7-A, from pinned sources to one proven static library."""

from __future__ import annotations

__version__ = "0.1.0"

"""The public face of TensorFlow core's archive: which symbols stay global.

Standard library only: the SDK recipe exports this file beside ``link``, and the check of a finished SDK holds
the archive against the same list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfport.link import cxx_namespace
else:  # beside this file when exported into a recipe, in the package otherwise
    try:
        from link import cxx_namespace
    except ImportError:
        from tfport.link import cxx_namespace

# The C API (TF_Status is TSL_Status underneath) and ours; the C++ namespaces that public headers name.
# protobuf stands in a namespace of ours for the messages, abseil in one since tsl::Status is absl::Status: a
# consumer's own versions of either do not meet them.
KEEP: tuple[str, ...] = (
    r"TF_\w+",
    r"TSL_\w+",
    r"TfPort\w+",
    cxx_namespace("tensorflow"),
    cxx_namespace("tsl"),
    cxx_namespace("tfport_google"),
    cxx_namespace("absl", "tfport_20220623"),
)

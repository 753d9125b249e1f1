"""What all tests share."""

from __future__ import annotations

import signal

# A shell that starts the suite in the background lets it, and all that it starts, ignore Ctrl-C; the tests
# send Ctrl-C to what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

#!/usr/bin/env python3
"""Front door: finds a Python that fits and hands over to tfport.bootstrap, which makes .venv on first use."""

# The syntax stays old, so that an old Python gets as far as the message that it is too old.
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip"
START = "import sys; sys.path.insert(0, %r); from tfport.bootstrap import main; sys.exit(main(sys.argv[1:]))"


def candidates():
    """Where a Python may be, the best first; nothing here is known to exist."""
    yield sys.executable
    for name in ("python3.11", "python3.10", "python3.9", "python3"):
        yield name
    pyenv = os.path.expanduser(os.environ.get("PYENV_ROOT", "~/.pyenv"))
    for path in sorted(glob.glob(pyenv + "/versions/3.*/bin/python")):
        yield path


def find_python(last, paths):
    """The first path whose Python is 3.9 to ``last`` and has venv; else the first without venv; else None."""
    without_venv = None
    for path in paths:
        try:
            probe = subprocess.Popen([path, "-Ic", PROBE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError:
            continue
        version = probe.communicate()[0].decode().strip()
        if version and (3, 9) <= tuple(int(part) for part in version.split(".")) <= last:
            if probe.returncode == 0:
                return path
            without_venv = without_venv or path
    return without_venv


def main(args):
    # Host TensorFlow exists for 3.9 to 3.11 only; all the rest runs on later ones too.
    light = {"fetch", "check", "pack", "verify", "doctor", "new-target", "list", "clean"} & set(args[:1])
    needed = "--no-reference" not in args and not light
    python = find_python((3, 11) if needed else (3, 99), candidates())
    if python is None:
        wanted = "3.9 to 3.11 (--no-reference takes later ones)" if needed else "3.9 or later"
        sys.stderr.write("error: there is no Python %s here; this is %s\n" % (wanted, sys.version.split()[0]))
        sys.stderr.write("hint: on Debian 12, apt-get install python3 python3-venv\n")
        sys.exit(24)  # a number of its own, as in tfport/errors.py
    os.execvp(python, [python, "-I", "-c", START % ROOT] + args)


if __name__ == "__main__":
    main(sys.argv[1:])

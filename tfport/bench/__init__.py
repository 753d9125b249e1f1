"""`build.py bench`: every engine on the same graphs in one run, measured by what the emulator counts."""

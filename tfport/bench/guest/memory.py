"""Runs in the guest: what its C library has handed out, in bytes, pages mapped for large blocks included."""

import ctypes


class _Mallinfo(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks"),
            *("fordblks", "keepcost"),
        )
    ]


def in_use():
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _Mallinfo
    info = ask()
    return info.uordblks + info.hblkhd

"""Runs a SavedModel through TensorFlow's C API in the host's own library, as a program on the board does."""

from __future__ import annotations

import ctypes as c
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tfport.reference import import_tensorflow

_STRING_BYTES = 24  # sizeof(TF_TString)
_POINTERS = (
    "TF_AllocateTensor",
    "TF_GraphOperationByName",
    "TF_LoadSessionFromSavedModel",
    "TF_Message",
    "TF_NewGraph",
    "TF_NewSessionOptions",
    "TF_NewStatus",
    "TF_StringGetDataPointer",
    "TF_TensorData",
)


class _Output(c.Structure):
    _fields_ = (("operation", c.c_void_p), ("index", c.c_int))


@cache
def _library() -> Any:
    tf = import_tensorflow()
    library = c.CDLL(str(next(Path(tf.__file__).parent.glob("libtensorflow_cc.so.2"))))
    for name in _POINTERS:
        getattr(library, name).restype = c.c_void_p
    library.TF_Dim.restype = library.TF_StringGetSize.restype = c.c_int64
    return library


class CSession:
    """A SavedModel loaded by TF_LoadSessionFromSavedModel; lives as long as the process."""

    def __init__(self, folder: Path) -> None:
        self.lib = _library()
        self.status = c.c_void_p(self.lib.TF_NewStatus())
        self.graph = c.c_void_p(self.lib.TF_NewGraph())
        tags = (c.c_char_p * 1)(b"serve")
        self.session = c.c_void_p(
            self.lib.TF_LoadSessionFromSavedModel(
                c.c_void_p(self.lib.TF_NewSessionOptions()),
                None,
                str(folder).encode(),
                tags,
                1,
                self.graph,
                None,
                self.status,
            )
        )
        self._check()

    def run(self, feeds: Mapping[str, Any], fetches: Sequence[str]) -> list[Any]:
        """Values by the names of tensors; strings are arrays of bytes."""
        inputs = (_Output * len(feeds))(*(self._output(name) for name in feeds))
        values = (c.c_void_p * len(feeds))(*(self._tensor(array) for array in feeds.values()))
        outputs = (_Output * len(fetches))(*(self._output(name) for name in fetches))
        found = (c.c_void_p * len(fetches))()
        self.lib.TF_SessionRun(
            self.session,
            None,
            inputs,
            values,
            len(feeds),
            outputs,
            found,
            len(fetches),
            None,
            0,
            None,
            self.status,
        )
        self._check()
        return [self._array(c.c_void_p(tensor)) for tensor in found]

    def _check(self) -> None:
        if self.lib.TF_GetCode(self.status):
            raise RuntimeError(c.string_at(self.lib.TF_Message(self.status)).decode())

    def _output(self, tensor: str) -> _Output:
        name, _, index = tensor.rpartition(":")
        operation = self.lib.TF_GraphOperationByName(self.graph, name.encode())
        assert operation, f"no node {name}"
        return _Output(operation, int(index))

    def _tensor(self, array: Any) -> Any:
        tf = import_tensorflow()
        strings = array.dtype.kind in "SO"
        dims = (c.c_int64 * array.ndim)(*array.shape)
        size = array.size * _STRING_BYTES if strings else array.nbytes
        dtype = tf.string if strings else tf.dtypes.as_dtype(array.dtype)
        tensor = self.lib.TF_AllocateTensor(dtype.as_datatype_enum, dims, array.ndim, c.c_size_t(size))
        data = self.lib.TF_TensorData(c.c_void_p(tensor))
        if not strings:
            c.memmove(data, np.ascontiguousarray(array).ctypes.data, size)
            return tensor
        for k, value in enumerate(array.ravel()):
            place = c.c_void_p(data + k * _STRING_BYTES)
            self.lib.TF_StringInit(place)
            self.lib.TF_StringCopy(place, bytes(value), c.c_size_t(len(value)))
        return tensor

    def _array(self, tensor: Any) -> Any:
        tf = import_tensorflow()
        shape = [self.lib.TF_Dim(tensor, k) for k in range(self.lib.TF_NumDims(tensor))]
        dtype = tf.dtypes.as_dtype(self.lib.TF_TensorType(tensor))
        data = self.lib.TF_TensorData(tensor)
        count = int(np.prod(shape))
        if dtype == tf.string:
            places = [c.c_void_p(data + k * _STRING_BYTES) for k in range(count)]
            texts = [
                c.string_at(self.lib.TF_StringGetDataPointer(place), self.lib.TF_StringGetSize(place))
                for place in places
            ]
            return np.array(texts, dtype=object).reshape(shape).astype(bytes)
        size = count * np.dtype(dtype.as_numpy_dtype).itemsize
        return np.frombuffer(c.string_at(data, size), dtype=dtype.as_numpy_dtype).reshape(shape)

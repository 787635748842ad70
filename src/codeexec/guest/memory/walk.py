"""The memory of a value with all that is in it, without running any of the user's code.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from codeexec.guest.prelude import (
    attributes_of,
    content_of,
    isinstance_of,
    kind_of,
    library,
    module_name,
    mro_of,
)
from codeexec.guest.tables.work import runs_user_code

TURN = 0.001  # seconds of counting after which other threads of the kernel are let in
PAUSE = 0.00005  # seconds for which they are
LONGEST = 3.0  # seconds of the clock for one answer, where the kernel is kept from its processor
ITEMS = 64  # items between two looks at the clock
PIECE = 500  # items of an array that are read at once, which holds the interpreter's lock

PARTLESS = frozenset(
    map(id, (int, float, complex, bool, str, bytes, bytearray, type(None), range, slice))
)
"""By their address, as a class of the user's may have any `__hash__`."""

OF_PROGRAM = ("module", "class", "function")
"""Kinds of values that belong to the program and not to a variable."""

RUNNING = (types.FrameType, types.TracebackType, types.CodeType)
HAS_GC_HEADER = 1 << 14  # Py_TPFLAGS_HAVE_GC
GC_HEADER = 16  # bytes, which `__sizeof__` leaves out
_flags_of = type.__dict__["__flags__"].__get__


class CountLimit:
    """Seconds of the processor that a count in this thread may take. In between other threads run,
    and the count ends where a cell of the user's has begun."""

    def __init__(self, seconds: float) -> None:
        self.is_interrupted = False
        self._last_second = time.monotonic() + LONGEST
        self._end = self._end_of_one = time.thread_time() + seconds
        self._next_pause = 0.0

    def begin(self, seconds: float) -> None:
        """Count the next variable, for so long at most."""
        self._end_of_one = min(time.thread_time() + seconds, self._end)

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be counted, of any variable."""
        is_late = time.thread_time() >= self._end or time.monotonic() >= self._last_second
        return self.is_interrupted or is_late

    def is_late(self) -> bool:
        """Whether the count of this variable ends now. Lets other threads run meanwhile."""
        now = time.monotonic()
        if now >= self._next_pause:
            time.sleep(PAUSE)
            self.is_interrupted = self.is_interrupted or runs_user_code()
            self._next_pause = time.monotonic() + TURN
        is_late = time.thread_time() >= self._end_of_one or now >= self._last_second
        return self.is_interrupted or is_late


class Walk:
    """One count: `size` in bytes so far; `is_whole` unless something was left out. What is reached
    twice is counted once, such as the memory of an array that several others look into."""

    def __init__(self, clock: CountLimit, outside: Iterable[object] = ()) -> None:
        """`outside`: objects that are not counted wherever they are reached."""
        self.size = 0
        self.is_whole = True
        self._clock = clock
        self._seen = set(map(id, outside))

    def count(self, value: Any) -> None:
        """Add a value and all that is in it, until the clock's time is over."""
        open_parts: list[Iterator[Any]] = [iter((value,))]
        counted = 0
        while open_parts:
            try:
                for item in open_parts[-1]:
                    counted += 1
                    if not counted % ITEMS and self._clock.is_late():
                        self.is_whole = False
                        return
                    parts = self._add(item)
                    if parts is not None:
                        open_parts.append(parts)
                        break
                else:
                    open_parts.pop()
            except RuntimeError:  # a thread of the user's has changed it meanwhile
                self.is_whole = False
                open_parts.pop()

    def _add(self, value: Any) -> Iterator[Any] | None:
        """Add the value alone; its parts are still to be counted."""
        if id(value) in self._seen:
            return None
        self._seen.add(id(value))
        cls = type(value)
        if id(cls) in PARTLESS:
            self.size += sys.getsizeof(value)
            return None
        if kind_of(value) in OF_PROGRAM or any(cls is kind for kind in RUNNING):
            return None
        if (parts := self._in_library(value)) is not None:
            return parts
        self.size += own_size(value)
        return parts_of(value)

    # -- libraries -----------------------------------------------------------------------------

    def _in_library(self, value: Any) -> Iterator[Any] | None:
        """The parts of a value of a library, whose own memory is added; None for others."""
        array = array_class()
        if array is not None and isinstance_of(value, array):
            return self._of_array(value, array)
        name = library(value)
        if name == "pandas.DataFrame":
            return chain(self._of_index(value.index), self._of_columns(value.items()))
        if name == "pandas.Series":
            return chain(self._of_index(value.index), self._of_columns([("", value)]))
        if name.startswith("pandas.") and name.endswith("Index"):
            return self._of_index(value)
        if name in ("polars.DataFrame", "polars.Series"):
            self.size += int(value.estimated_size())
        elif name.startswith("pyarrow.") and hasattr(type(value), "get_total_buffer_size"):
            self.size += int(value.get_total_buffer_size())
        elif name in ("xarray.DataArray", "xarray.Dataset"):
            return self._of_xarray(value, name)
        elif name == "torch.Tensor" or is_parameter(value):
            self._add_storage(value)
        elif name in ("polars.LazyFrame", "duckdb.DuckDBPyRelation"):
            self.size += own_size(value)
            self.is_whole = False  # the rest is where their libraries alone see it
        else:
            return None
        return iter(())

    def _of_array(self, value: Any, array: Any) -> Iterator[Any]:
        """A view keeps the whole array that it looks into, whose memory is what counts."""
        base_of = array.__dict__["base"].__get__
        root = value
        while isinstance_of(base_of(root), array):
            root = base_of(root)
        if root is not value:
            self.size += array.__sizeof__(value)
        if root is value or id(root) not in self._seen:
            self._seen.add(id(root))
            self.size += array.__sizeof__(root)
            if base_of(root) is not None:  # its memory is another object's: bytes, a file
                self.size += int(array.__dict__["nbytes"].__get__(root))
        attributes = attributes_of(value)
        if attributes is not None:
            yield attributes
        if type(value) is array and value.dtype.kind == "O":
            yield from items_of(value.reshape(-1))

    def _of_index(self, index: Any) -> Iterator[Any]:
        self.size += int(index.memory_usage(deep=False))
        levels = index.levels if library(index) == "pandas.MultiIndex" else [index]
        for level in levels:
            yield from items_of(objects_of(level))

    def _of_columns(self, columns: Iterable[tuple[object, Any]]) -> Iterator[Any]:
        for _, column in columns:
            self.size += int(column.memory_usage(index=False, deep=False))
            yield None  # a look at the clock for each column, of which there may be many
            yield from items_of(objects_of(column))

    def _of_xarray(self, value: Any, name: str) -> Iterator[Any]:
        """Arrays in memory; what is read when it is needed is not held."""
        variables = [*(value if name == "xarray.Dataset" else value.coords).variables.values()]
        if name == "xarray.DataArray":
            variables.append(value.variable)
        for variable in variables:
            if library(variable._data) == "numpy.ndarray":
                yield variable._data

    def _add_storage(self, tensor: Any) -> None:
        """Tensors that look into the same storage count it once."""
        storage = tensor.untyped_storage()
        self.size += own_size(tensor)
        key = int(storage.data_ptr())
        if key not in self._seen:
            self._seen.add(key)
            self.size += int(storage.nbytes())


def array_class() -> Any:
    """`numpy.ndarray`; None while numpy is not imported."""
    numpy = sys.modules.get("numpy")
    found = vars(numpy).get("ndarray") if type(numpy) is types.ModuleType else None
    return found if type(found) is type else None


def is_parameter(value: Any) -> bool:
    """Whether it is a parameter of a model of torch."""
    module = sys.modules.get("torch.nn")
    return type(module) is types.ModuleType and type(value) is vars(module).get("Parameter")


def objects_of(column: Any) -> Any:
    """The array of a column, or of labels, whose items are objects; None for all others."""
    if library(column) == "pandas.RangeIndex":
        return None
    array = column.array
    if not module_name(type(array)).startswith("pandas."):
        return None
    if "categories" in dir(type(array)):
        return objects_of(array.categories)
    inner: Any = getattr(array, "_ndarray", None)
    is_array = library(inner) == "numpy.ndarray"
    return inner if is_array and inner.dtype.kind == "O" else None


def items_of(array: Any) -> Iterator[Any]:
    """The objects of an array in one dimension, read piece by piece."""
    for start in range(0, 0 if array is None else len(array), PIECE):
        yield from array[start : start + PIECE].tolist()


# -- Python's own ------------------------------------------------------------------------------


def own_size(value: Any) -> int:
    """Bytes of the object alone. A `__sizeof__` that is written in Python is not called."""
    cls = type(value)
    header = GC_HEADER if _flags_of(cls) & HAS_GC_HEADER else 0
    for base in mro_of(cls):
        method = content_of(base).get("__sizeof__")
        if type(method) is types.MethodDescriptorType:
            return int(method(value)) + header
    return object.__sizeof__(value) + header


def parts_of(value: Any) -> Iterator[Any]:
    """What a value refers to. Containers are read as they go, as a copy of a large one takes long;
    of others the interpreter says it, which runs nothing and makes no dictionary."""
    if isinstance_of(value, dict):
        items: Iterator[Any] = chain.from_iterable(dict.items(value))
    else:
        for base in (list, tuple, set, frozenset, deque):
            if isinstance_of(value, base):
                items = base.__iter__(value)
                break
        else:
            return iter(gc.get_referents(value))
    attributes = attributes_of(value)
    return items if attributes is None else chain((attributes,), items)

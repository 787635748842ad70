"""Inspection of variables from inside the kernel, without running any of the user's code.

No repr, property, __getattr__, __len__ or comparison of a class that we do not know is called,
nothing lazy is evaluated, nothing is printed and no name is left behind. Replies are
JSON text. Runs on Python 3.8 and later.
"""

from __future__ import annotations

import glob
import json
import os
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

MOST_VARIABLES = 500
MOST_CHILDREN = 200
MOST_COLUMNS = 200
MOST_ROWS = 1000
PREVIEW = 120
DETAIL = 20000
CELL = 200
LONGEST_INT = 4000  # bits: writing a longer one in decimal takes long
PLENTY = 1.0  # seconds for all variables together
SLOW = 0.1  # seconds after which one variable is shown by its type alone

PLAIN = (int, float, complex, bool, type(None), type(Ellipsis), type(NotImplemented), range, slice)
SIZED = (str, bytes, bytearray, list, tuple, dict, set, frozenset, int, float)
LIBRARY = {
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "uuid": ("UUID",),
    "pathlib": ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"),
    "pathlib._local": ("PosixPath", "PurePosixPath"),
    "zoneinfo": ("ZoneInfo",),
    "re": ("Pattern", "Match"),
    "ipaddress": ("IPv4Address", "IPv6Address"),
    "pandas": ("Timestamp", "Timedelta", "Interval", "Period"),
}
"""Classes outside of builtins whose repr is theirs alone, and short."""

_name_of: Callable[[Any], str] = type.__dict__["__name__"].__get__
_module_of: Callable[[Any], Any] = type.__dict__["__module__"].__get__
mro_of: Callable[[Any], Any] = type.__dict__["__mro__"].__get__
content_of: Callable[[Any], Any] = type.__dict__["__dict__"].__get__
_names_of: Callable[[Any], Any] = vars(types.ModuleType)["__dict__"].__get__


class Late(Exception):
    """A variable takes too long."""


# -- what a value is ---------------------------------------------------------------------


def type_name(value: Any) -> str:
    return str(_name_of(type(value)))[:PREVIEW]


def module_name(cls: Any) -> str:
    name = _module_of(cls)
    return name if type(name) is str else ""


def library(value: Any) -> str:
    """`pandas.DataFrame` and the like for classes of libraries that we know; else empty."""
    cls = type(value)
    top = module_name(cls).split(".", 1)[0]
    top = "duckdb" if top == "_duckdb" else top
    if top not in ("numpy", "pandas", "polars", "torch", "xarray", "pyarrow", "duckdb"):
        return ""
    # A class of the user's may claim to live anywhere: ask the library itself.
    owner = sys.modules.get(top)
    name = str(_name_of(cls))
    genuine = vars(owner).get(name) if type(owner) is types.ModuleType else None
    return top + "." + name if genuine is cls else ""


def kind_of(value: Any) -> str:
    cls = type(value)
    if issubclass(cls, types.ModuleType):
        return "module"
    if issubclass(cls, type):
        return "class"
    if is_one(cls, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return "function"
    class_name = library(value)
    if class_name in TABLES:
        return "table"
    if class_name in ("numpy.ndarray", "torch.Tensor") or is_index(class_name):
        return "array"
    return ""


TABLES = (
    "pandas.DataFrame", "pandas.Series", "polars.DataFrame", "polars.Series", "polars.LazyFrame",
    "pyarrow.Table", "pyarrow.RecordBatch", "duckdb.DuckDBPyRelation", "xarray.DataArray",
    "xarray.Dataset",
)  # fmt: skip


def is_index(class_name: str) -> bool:
    """Whether it is the labels of a data frame, of whatever kind."""
    return class_name.startswith("pandas.") and class_name.endswith("Index")


def shape_of(value: Any) -> str:
    class_name = library(value)
    if class_name in ("numpy.ndarray", "pandas.DataFrame", "pandas.Series", "torch.Tensor") or (
        class_name in ("polars.DataFrame", "polars.Series") or is_index(class_name)
    ):
        return "x".join(str(int(length)) for length in tuple(value.shape)) or "scalar"
    if class_name in ("pyarrow.Table", "pyarrow.RecordBatch"):
        return f"{value.num_rows}x{value.num_columns}"
    if class_name == "xarray.DataArray":
        return "x".join(map(str, value.shape)) or "scalar"
    if class_name == "xarray.Dataset":
        return " ".join(f"{name}:{size}" for name, size in value.sizes.items())
    if class_name == "duckdb.DuckDBPyRelation":
        return f"?x{len(value.columns)}"
    for base in (str, bytes, bytearray, list, tuple, dict, set, frozenset):
        if isinstance_of(value, base):
            return str(base.__len__(value))
    return ""


def size_of(value: Any) -> int | None:
    class_name = library(value)
    if class_name in ("numpy.ndarray", "pandas.Series"):
        return int(value.nbytes)
    if class_name == "pandas.DataFrame":
        if value.shape[1] > MOST_COLUMNS:
            return None
        return int(value.memory_usage(deep=False).sum())
    if class_name in ("polars.DataFrame", "polars.Series"):
        return int(value.estimated_size())
    if class_name in ("pyarrow.Table", "pyarrow.RecordBatch"):
        return int(value.nbytes)
    if class_name == "torch.Tensor":
        return int(value.numel() * value.element_size())
    if is_one(type(value), SIZED):
        return sys.getsizeof(value)
    return None


def isinstance_of(value: Any, base: type) -> bool:
    """isinstance by the class alone: a class of the user's may answer what it likes."""
    return is_one(base, mro_of(type(value)))


def is_one(cls: Any, classes: Iterable[Any]) -> bool:
    """`in` by identity: a metaclass of the user's may compare as it likes."""
    return any(cls is candidate for candidate in classes)


# -- texts -------------------------------------------------------------------------------


def text_of(value: Any, limit: int, depth: int = 2, until: float = 0.0) -> str:
    """A repr of our own making, at most `limit` characters or little more."""
    if until and time.monotonic() > until:
        raise Late
    cls = type(value)
    if cls is str or cls is bytes or cls is bytearray:
        cut = value[:limit]
        return clip(repr(cut) + ("…" if len(value) > limit else ""), limit)
    if cls is int and value.bit_length() > LONGEST_INT:
        return f"an integer of {value.bit_length():,} bits"
    if is_one(cls, PLAIN) or _name_of(cls) in LIBRARY.get(module_name(cls), ()):
        return clip(repr(value), limit) if is_genuine(cls) else "<" + type_name(value) + ">"
    kind = kind_of(value)
    if kind == "module":
        return "module " + str(_names_of(value).get("__name__"))
    if kind == "class":
        return "class " + str(_name_of(value))
    if kind == "function":
        return signature_of(value)
    class_name = library(value)
    if class_name:
        return clip(library_text(value, class_name, limit), limit)
    for base, ends in ((list, "[]"), (tuple, "()"), (set, "{}"), (frozenset, "{}")):
        if isinstance_of(value, base):
            return sequence_text(value, base, ends, limit, depth, until)
    if isinstance_of(value, dict):
        return mapping_text(value, limit, depth, until)
    for plain in (str, bytes, int, float):
        if isinstance_of(value, plain):
            inner = plain.__str__(value) if plain is str else plain.__repr__(value)
            return clip(type_name(value) + "(" + inner[:limit] + ")", limit)
    state = state_of(value)
    name = dict(state).get("_name_")
    if (
        type(name) is str
        and "enum" in sys.modules
        and isinstance_of(value, sys.modules["enum"].Enum)
    ):
        return clip(type_name(value) + "." + name, limit)
    if not state or depth <= 0:
        return "<" + type_name(value) + ">"
    parts = fill(
        (
            str(key) + "=" + text_of(attribute, limit // 2, depth - 1, until)
            for key, attribute in state
        ),
        limit,
    )
    return clip(type_name(value) + "(" + parts + ")", limit)


def is_genuine(cls: Any) -> bool:
    """Whether a class is the one that its module has under its name."""
    if module_name(cls) == "builtins":
        return True
    owner = sys.modules.get(module_name(cls))
    return owner is not None and vars(owner).get(_name_of(cls)) is cls


def sequence_text(value: Any, base: Any, ends: str, limit: int, depth: int, until: float) -> str:
    prefix = "" if type(value) is base else type_name(value)
    count = base.__len__(value)
    if not count and base in (set, frozenset):
        return prefix or ("set()" if base is set else "frozenset()")
    if depth <= 0 and count:
        return prefix + ends[0] + "…" + ends[1]
    items = snapshot(lambda: list(islice(base.__iter__(value), 50)))
    inner = fill((text_of(item, limit // 2, depth - 1, until) for item in items), limit)
    if count > len(items) and not inner.endswith("…"):
        inner += ", …"
    if base is tuple and count == 1:
        inner += ","
    return prefix + ends[0] + inner + ends[1]


def mapping_text(value: Any, limit: int, depth: int, until: float) -> str:
    prefix = "" if type(value) is dict else type_name(value)
    if depth <= 0 and dict.__len__(value):
        return prefix + "{…}"
    items = snapshot(lambda: list(islice(dict.items(value), 50)))
    parts = (
        text_of(key, limit // 2, 0, until) + ": " + text_of(item, limit // 2, depth - 1, until)
        for key, item in items
    )
    return prefix + "{" + fill(parts, limit) + "}"


def library_text(value: Any, class_name: str, limit: int) -> str:
    if class_name == "numpy.ndarray":
        if value.dtype.kind not in "biufcSUMm":
            return str(value.dtype)
        first = quoted(value.ravel(order="K")[:8].tolist())
        dots = ", …" if value.size > 8 else ""
        return str(value.dtype) + " [" + ", ".join(first) + dots + "]"
    if class_name in ("pandas.DataFrame", "polars.DataFrame"):
        names = (str_of_label(label) for label in islice(list(value.columns), MOST_COLUMNS))
        return fill(names, limit)
    if class_name in ("pandas.Series", "polars.Series"):
        head = value.iloc[:8].tolist() if class_name == "pandas.Series" else value[:8].to_list()
        first = quoted(head)
        return str(value.dtype) + " [" + ", ".join(first) + (", …" if len(value) > 8 else "") + "]"
    if is_index(class_name):
        first = quoted(value[:8].tolist())
        return str(value.dtype) + " [" + ", ".join(first) + (", …" if len(value) > 8 else "") + "]"
    if class_name == "polars.LazyFrame":
        return "lazy, not evaluated"
    if class_name in ("pyarrow.Table", "pyarrow.RecordBatch"):
        return fill(map(str, islice(value.schema.names, MOST_COLUMNS)), limit)
    if class_name == "duckdb.DuckDBPyRelation":
        return fill(map(str, islice(value.columns, MOST_COLUMNS)), limit)
    if class_name == "xarray.DataArray":
        return str(value.dtype) + " " + fill(map(str, value.dims), limit)
    if class_name == "xarray.Dataset":
        return fill(map(str, islice(value.data_vars, MOST_COLUMNS)), limit)
    if class_name == "torch.Tensor":
        return str(value.dtype) + " on " + str(value.device)
    if class_name.startswith("numpy."):  # a scalar
        return repr(value.item()) if is_one(type(value.item()), PLAIN) else "<" + class_name + ">"
    return "<" + class_name + ">"


def quoted(values: list[Any]) -> list[str]:
    """A few values of a column, short: text in quotes, the rest as in a table."""
    pairs = zip(values, texts_of(values))  # noqa: B905 -- Python 3.8 has no strict
    return [text_of(item, 40) if type(item) is str else clip(text, 40) for item, text in pairs]


def signature_of(value: Any) -> str:
    if type(value) is types.MethodType:
        return "method of " + type_name(value.__self__)
    if type(value) is not types.FunctionType:
        return "built-in function"
    code = value.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = list(code.co_varnames[:count])
    if code.co_flags & 4:
        names.append("*" + code.co_varnames[count])
    if code.co_flags & 8:
        names.append("**" + code.co_varnames[count + bool(code.co_flags & 4)])
    return code.co_name + "(" + ", ".join(names) + ")"


def state_of(value: Any) -> list[tuple[Any, Any]]:
    """The attributes that are stored in the instance itself."""
    attributes = attributes_of(value)
    if attributes is None:
        return []
    items = attributes.items
    return snapshot(lambda: list(islice(items(), MOST_CHILDREN)))


def attributes_of(value: Any) -> dict[Any, Any] | None:
    """The dictionary of an instance; None where it has none."""
    getters = (content_of(cls).get("__dict__") for cls in mro_of(type(value)))
    # The interpreter's own getter, not a property that the user put in its place.
    getter = next(
        (entry for entry in getters if type(entry) is types.GetSetDescriptorType),
        None,
    )
    attributes = getter.__get__(value) if getter is not None else None
    return attributes if type(attributes) is dict else None


def str_of_label(label: Any) -> str:
    return label if type(label) is str else text_of(label, CELL)


def fill(parts: Iterable[str], limit: int) -> str:
    pieces: list[str] = []
    used = 0
    for part in parts:
        if used > limit:
            pieces.append("…")
            break
        pieces.append(part)
        used += len(part) + 2
    return ", ".join(pieces)


def clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def snapshot(read: Callable[[], list[Any]]) -> list[Any]:
    """Read what the user's code may be changing meanwhile, in another thread."""
    for _ in range(5):
        try:
            return read()
        except RuntimeError:
            continue  # it changed while it was read
    return []


# -- what is asked -----------------------------------------------------------------------


def describe(name: str, value: Any, limit: int = PREVIEW) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": name[:CELL], "type": type_name(value)}
    try:
        fields["kind"] = kind_of(value)
        fields["preview"] = text_of(value, limit, until=time.monotonic() + SLOW)
        fields["shape"] = shape_of(value)
        fields["size"] = size_of(value)
    except Late:
        fields["preview"] = "<" + type_name(value) + ">"
    except BaseException as error:  # one strange value must not hide the others
        fields["preview"] = "<" + type_name(value) + ": " + type_name(error) + ">"
    return fields


def listed(user: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """All that the user has defined, in that order."""
    ipython = sys.modules.get("IPython")  # absent in a program without IPython
    shell = ipython.get_ipython() if ipython is not None else None
    hidden = getattr(shell, "user_ns_hidden", {})
    nothing = object()
    for name, value in dict(user).items():
        if type(name) is not str or name.startswith("_") or name in ("In", "Out"):
            continue
        if hidden.get(name, nothing) is not value:
            yield name, value


def variables(user: dict[str, Any]) -> str:
    """What the user has defined, each in short."""
    until = time.monotonic() + PLENTY
    described: list[dict[str, Any]] = []
    truncated = False
    for name, value in listed(user):
        if len(described) >= MOST_VARIABLES or time.monotonic() > until:
            truncated = True
            break
        described.append(describe(name, value))
    return json.dumps({"variables": described, "truncated": truncated})


def lookup(user: dict[str, Any], name: str) -> Any:
    if name not in user:
        raise NameError("there is no variable " + name)
    return user[name]


def detail(user: dict[str, Any], name: str) -> str:
    """One variable at length, with its items or attributes."""
    value = lookup(user, name)
    children: list[tuple[str, Any]] = []
    if isinstance_of(value, dict):
        items = snapshot(lambda: list(islice(dict.items(value), MOST_CHILDREN)))
        children = [("[" + text_of(key, 80) + "]", item) for key, item in items]
    elif isinstance_of(value, list) or isinstance_of(value, tuple):
        base: Any = list if isinstance_of(value, list) else tuple
        items = snapshot(lambda: list(islice(base.__iter__(value), MOST_CHILDREN)))
        children = [("[" + str(at) + "]", item) for at, item in enumerate(items)]
    elif kind_of(value) == "" and not library(value):
        children = [("." + str(key), item) for key, item in state_of(value)]
    elif library(value) in ("pandas.DataFrame", "polars.DataFrame"):
        names = list(value.columns)[:MOST_CHILDREN]
        children = [("[" + text_of(item, 80) + "]", value[item]) for item in names]
    text = value[:DETAIL] if type(value) is str else text_of(value, DETAIL, 4)
    if library(value) == "numpy.ndarray" and value.dtype.kind in "biufcSUMm":
        import numpy as np

        text = np.array2string(value, threshold=1000, max_line_width=100)
    if type(value) is types.FunctionType:
        text = source_of(value) or text
    reply = {
        "variable": describe(name, value),
        "text": clip(text, DETAIL),
        "children": [describe(label, item) for label, item in children],
    }
    return json.dumps(reply)


def source_of(function: Any) -> str:
    import inspect

    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def index_texts(index: Any) -> list[str]:
    """The labels of rows; of those with several levels, each level as a column of its own."""
    if library(index) != "pandas.MultiIndex":
        return texts_of(index.tolist())
    levels = [texts_of(index.get_level_values(at).tolist()) for at in range(index.nlevels)]
    return ["  ".join(level.ljust(w) for level, w in zip(row, map(widest, levels))).rstrip()  # noqa: B905
            for row in zip(*levels)]  # noqa: B905  # fmt: skip


def widest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)


def texts_of(values: list[Any]) -> list[str]:
    """The cells of a column as pandas prints them: floats with the same number of decimals,
    times of day only where there are some."""
    classes = set(map(type, values))
    if classes <= NEVER_MOMENTS:  # most columns, and a running cell waits meanwhile
        return [cell(value) for value in values]
    floats = [value for value in values if type(value) is float]
    if floats and str not in classes:
        write = float_writer(floats)
        return [write(value) if type(value) is float else cell(value) for value in values]
    texts = [cell(value) for value in values]
    dated = [at for at, value in enumerate(values) if is_moment(value)]
    if dated and all(texts[at].endswith(MIDNIGHT) for at in dated):
        for at in dated:
            texts[at] = texts[at][: -len(MIDNIGHT)]
    return texts


MIDNIGHT = " 00:00:00"

NEVER_MOMENTS = {bool, bytes, int, str, type(None)}
"""Classes whose values are neither times nor floats."""


def is_moment(value: Any) -> bool:
    cls = type(value)
    is_known = (module_name(cls), _name_of(cls)) in (
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
    )
    return (is_known and is_genuine(cls)) or library(value) in (
        "pandas.Timestamp",
        "pandas.Timedelta",
    )


def float_writer(values: list[float]) -> Callable[[float], str]:
    """How to write the floats of a column: as few decimals as show all of them to the precision
    of pandas, in powers of ten where that would show zeros or be very long."""
    precision = 6
    pandas = sys.modules.get("pandas")
    if type(pandas) is types.ModuleType:
        precision = int(pandas.get_option("display.precision"))
    finite = [abs(value) for value in values if value - value == 0.0]
    tiny = any(0.0 < value < 10.0**-precision for value in finite)
    if tiny or max(finite, default=0.0) >= 1e15:
        return lambda value: (
            f"{value:.{precision}e}" if value - value == 0.0 else plain_float(value)
        )
    ends = [f"{value:.{precision}f}".rstrip("0").partition(".")[2] for value in finite]
    decimals = max(max(map(len, ends), default=1), 1)
    return lambda value: f"{value:.{decimals}f}" if value - value == 0.0 else plain_float(value)


def plain_float(value: float) -> str:
    return repr(value) if value == value else "NaN"


def cell(value: Any) -> str:
    """The text of one cell."""
    cls = type(value)
    if cls is str:
        return clip(value, CELL)
    if cls is float:
        return plain_float(value)
    if value is None or cls is bool or (cls is int and value.bit_length() < CELL):
        return repr(value)  # most cells; the rest takes ten times as long
    pandas = sys.modules.get("pandas")
    if type(pandas) is types.ModuleType and is_one_of(value, pandas, ("NaT", "NA")):
        return str(value)
    if _name_of(cls) in LIBRARY.get(module_name(cls), ()) or library(value) in MOMENTS:
        # What says its type in a repr is as good without in a column of its kind.
        return clip(str(value), CELL) if is_genuine(cls) or library(value) else text_of(value, CELL)
    return text_of(value, CELL, 1)


MOMENTS = ("pandas.Timestamp", "pandas.Timedelta", "pandas.Period", "pandas.Interval")


def is_one_of(value: Any, module: types.ModuleType, names: Iterable[str]) -> bool:
    return any(value is vars(module).get(name) for name in names)


def delete(user: dict[str, Any], name: str) -> str:
    lookup(user, name)
    del user[name]
    return json.dumps({})


# -- completion --------------------------------------------------------------------------


def mend_completion(user: dict[str, Any]) -> str:
    """Take away the files of jedi's cache that were cut off while they were written, by a kill or
    a full disk: jedi never does, and completes nothing more until they are gone. How many."""
    jedi = sys.modules.get("jedi")
    removed = 0
    for path in (
        glob.glob(os.path.join(jedi.settings.cache_directory, "*", "*.pkl")) if jedi else ()
    ):
        try:
            with open(path, "rb") as file:
                file.seek(max(os.path.getsize(path) - 1, 0))
                if file.read() != b".":  # how every pickle ends
                    os.remove(path)
                    removed += 1
        except OSError:
            continue
    return json.dumps(removed)

"""The code that makes a view: filter, order and columns, in the words of the table's library."""

from __future__ import annotations

from typing import Any

from codeexec.guest.tables.duckdb_tables import condition, quoted_name


def code_of(
    name: str, kind: str, names: list[str], tree: Any, keys: list[tuple[int, bool]],
    columns: list[int],
) -> str:  # fmt: skip
    """Code for the editor; `kind` is the class, `columns` are those that are shown."""
    picked = [names[at] for at in columns] if columns != list(range(len(names))) else []
    if kind.startswith("polars."):
        return polars_code(name, kind, names, tree, keys, picked)
    if kind.startswith("duckdb."):
        return duckdb_code(name, names, tree, keys, picked)
    preparation = ""
    if kind.startswith("pyarrow."):
        preparation, name = f"{name}_view = {name}.to_pandas()\n", f"{name}_view"
    elif kind.startswith("xarray."):
        preparation, name = f"{name}_view = {name}.to_dataframe().reset_index()\n", f"{name}_view"
    elif kind == "numpy.ndarray":
        made = f"pd.DataFrame({name}).rename(columns=str)"
        preparation, name = f"import pandas as pd\n\n{name}_view = {made}\n", f"{name}_view"
    elif kind != "pandas.DataFrame":
        preparation, name = f"{name}_view = {name}.to_frame()\n", f"{name}_view"
    return preparation + pandas_code(name, names, tree, keys, picked)


def view_name(name: str) -> str:
    return name if name.endswith("_view") else f"{name}_view"


def pandas_code(
    name: str, names: list[str], tree: Any, keys: list[tuple[int, bool]], picked: list[str]
) -> str:
    text = f"{name}[{pandas_condition(tree, name, names)}]" if tree is not None else name
    if keys:
        by = [names[at] for at, _ in keys]
        ascending = [not down for _, down in keys]
        text += f".sort_values({by!r}, ascending={ascending!r}, kind='stable')"
    if picked:
        text += f"[{picked!r}]"
    return f"{view_name(name)} = {text}\n{view_name(name)}\n"


def pandas_condition(tree: Any, name: str, names: list[str]) -> str:
    if tree[0] in ("and", "or"):
        sign = "&" if tree[0] == "and" else "|"
        left, right = (pandas_condition(part, name, names) for part in tree[1:])
        return f"({left} {sign} {right})"
    if tree[0] == "not":
        return f"~{pandas_condition(tree[1], name, names)}"
    if tree[0] == "null":
        return f"{name}[{names[tree[1]]!r}].isna()"
    if tree[0] == "columns":
        return f"({name}[{names[tree[2]]!r}] {tree[1]} {name}[{names[tree[3]]!r}])"
    _, operator, at, value = tree
    column = f"{name}[{names[at]!r}]"
    if operator == "~":
        return f"{column}.astype(str).str.contains({str(value)!r}, case=False, regex=False)"
    if operator == "!=":
        return f"({column}.notna() & ({column} != {value!r}))"
    return f"({column} {operator} {value!r})"


def polars_code(
    name: str, kind: str, names: list[str], tree: Any, keys: list[tuple[int, bool]],
    picked: list[str],
) -> str:  # fmt: skip
    text = f"{name}.to_frame()" if kind == "polars.Series" else name
    if tree is not None:
        text += f".filter({polars_condition(tree, names)})"
    if keys:
        by = [names[at] for at, _ in keys]
        text += f".sort({by!r}, descending={[down for _, down in keys]!r}, nulls_last=True)"
    if picked:
        text += f".select({picked!r})"
    head = "import polars as pl\n\n" if tree is not None else ""
    last = f"{name}_view.head(100).collect()" if kind == "polars.LazyFrame" else f"{name}_view"
    return f"{head}{name}_view = {text}\n{last}\n"


def polars_condition(tree: Any, names: list[str]) -> str:
    if tree[0] in ("and", "or"):
        sign = "&" if tree[0] == "and" else "|"
        return f"({polars_condition(tree[1], names)} {sign} {polars_condition(tree[2], names)})"
    if tree[0] == "not":
        return f"~({polars_condition(tree[1], names)}).fill_null(False)"
    if tree[0] == "null":
        return f"pl.col({names[tree[1]]!r}).is_null()"
    if tree[0] == "columns":
        return f"(pl.col({names[tree[2]]!r}) {tree[1]} pl.col({names[tree[3]]!r}))"
    _, operator, at, value = tree
    column = f"pl.col({names[at]!r})"
    if operator == "~":
        text = f"{column}.cast(pl.String).str.to_lowercase()"
        return f"{text}.str.contains({str(value).lower()!r}, literal=True)"
    return f"({column} {operator} {value!r})"


def duckdb_code(
    name: str, names: list[str], tree: Any, keys: list[tuple[int, bool]], picked: list[str]
) -> str:
    text = name
    if tree is not None:
        text += f".filter({condition(tree, names)!r})"
    if keys:
        by = ", ".join(
            f"{quoted_name(names[at])} {'DESC' if d else 'ASC'} NULLS LAST" for at, d in keys
        )
        text += f".order({by!r})"
    if picked:
        text += f".project({', '.join(map(quoted_name, picked))!r})"
    return f"{name}_view = {text}\n{name}_view\n"

"""Small notebooks in the layout and with the metadata that public ones of three origins have."""

from __future__ import annotations

import json
from typing import Any

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg==\n"
)

_LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
    "version": "3.4.0",
}


def _kernel(display_name: str) -> dict[str, Any]:
    return {"display_name": display_name, "language": "python", "name": "python3"}


def _text(*lines: str) -> list[str]:
    return [f"{line}\n" for line in lines[:-1]] + [lines[-1]]


def old() -> str:
    """nbformat 4.0 as IPython 3 wrote it: one blank of indentation, `collapsed` and `trusted`."""
    cells = [
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": _text("# Falling bodies", "", "A *short* table, and $v = g t$."),
        },
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {"collapsed": False, "trusted": True},
            "outputs": [
                {
                    "name": "stdout",
                    "output_type": "stream",
                    "text": ["9.81 m/s\n", "19.62 m/s\n"],
                },
                {
                    "data": {
                        "image/png": PIXEL,
                        "text/plain": ["<matplotlib.figure.Figure at 0x7f1c0a0b1d30>"],
                    },
                    "metadata": {},
                    "output_type": "display_data",
                },
            ],
            "source": _text("g = 9.81", "for t in (1, 2):", "    print(g * t, 'm/s')"),
        },
        {
            "cell_type": "code",
            "execution_count": 2,
            "metadata": {"collapsed": True},
            "outputs": [
                {
                    "data": {"text/plain": ["29.43"]},
                    "execution_count": 2,
                    "metadata": {},
                    "output_type": "execute_result",
                }
            ],
            "source": _text("g * 3"),
        },
        {"cell_type": "raw", "metadata": {"format": "text/latex"}, "source": _text("\\appendix")},
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"collapsed": True},
            "outputs": [],
            "source": [],
        },
    ]
    metadata = {"kernelspec": _kernel("Python 3"), "language_info": _LANGUAGE}
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 0}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def vscode() -> str:
    """As VS Code writes it: `vscode` in metadata of cells and notebook, `orig_nbformat`."""
    cells = [
        {
            "attachments": {"image.png": {"image/png": PIXEL.strip()}},
            "cell_type": "markdown",
            "metadata": {},
            "source": _text("## Prices", "![image.png](attachment:image.png)"),
        },
        {
            "cell_type": "code",
            "execution_count": 34,
            "metadata": {"vscode": {"languageId": "python"}},
            "outputs": [
                {
                    "data": {
                        "application/vnd.dataresource+json": {"data": [{"a": 1}], "schema": {}},
                        "text/html": ["<table><tr><td>€ 7</td></tr></table>"],
                        "text/plain": ["   price\n", "0      7"],
                    },
                    "execution_count": 34,
                    "metadata": {},
                    "output_type": "execute_result",
                }
            ],
            "source": _text("prices = [7]", "prices"),
        },
        {
            "cell_type": "code",
            "execution_count": 35,
            "metadata": {},
            "outputs": [
                {
                    "ename": "NameError",
                    "evalue": "name 'total' is not defined",
                    "output_type": "error",
                    "traceback": [
                        "\u001b[0;31m---------------------------\u001b[0m",
                        "\u001b[1;32mCell \u001b[1;32mIn[35], line 1\u001b[0m\n"
                        "\u001b[1;32m----> 1\u001b[0m total",
                        "\u001b[1;31mNameError\u001b[0m: name 'total' is not defined",
                    ],
                }
            ],
            "source": _text("total"),
        },
        {"cell_type": "markdown", "metadata": {}, "source": []},
    ]
    metadata = {
        "kernelspec": _kernel("Python 3.11.3 ('venv')"),
        "language_info": _LANGUAGE | {"version": "3.11.3"},
        "orig_nbformat": 4,
        "vscode": {"interpreter": {"hash": "0" * 64}},
    }
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 2}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def colab() -> str:
    """As Colab writes it: `nbformat` first, ids in metadata, execution times, widgets, escaped
    angle brackets, no newline at the end."""

    def info(cell_id: str, elapsed: int, **more: Any) -> dict[str, Any]:
        user = {"displayName": "A. Reader", "userId": "00000000000000000001"}
        times = {"status": "ok", "timestamp": 1700000000000, "user_tz": -60, "elapsed": elapsed}
        return {**more, "id": cell_id, "executionInfo": times | {"user": user}}

    def code(source: list[str], count: int, metadata: Any, *outputs: Any) -> dict[str, Any]:
        return {
            "cell_type": "code",
            "source": source,
            "metadata": metadata,
            "execution_count": count,
            "outputs": [*outputs],
        }

    shown = {"base_uri": "https://localhost:8080/", "height": 34}
    widget = {"model_id": "a1", "version_major": 2, "version_minor": 0}
    cells = [
        {
            "cell_type": "markdown",
            "source": _text(
                '<a href="https://colab.research.google.com/notebooks/a.ipynb">'
                '<img src="https://colab.research.google.com/assets/colab-badge.svg"/></a>'
            ),
            "metadata": {"id": "view-in-github", "colab_type": "text"},
        },
        {"cell_type": "markdown", "source": ["# Letters\n"], "metadata": {"id": "aB3dE5gH7jK9"}},
        code(
            _text("#@title Settings", 'count = 3 #@param {type:"integer"}'),
            1,
            info("cD4fG6hJ8kL0", 4, cellView="form"),
        ),
        code(
            _text("for letter in 'abc'[:count]:", "    print('<' + letter + '>')"),
            2,
            info("eF5gH7jK9lM1", 366, colab=shown, outputId="0187c43c-58c4-45c6-935f-a22d2bf5c864"),
            {"output_type": "stream", "name": "stdout", "text": ["<a>\n", "<b>\n", "<c>\n"]},
        ),
        code(
            _text("from ipywidgets import IntProgress", "IntProgress(3)"),
            3,
            info("gH6jK8lM0nP2", 12),
            {
                "output_type": "display_data",
                "data": {
                    "text/plain": ["IntProgress(value=3)"],
                    "application/vnd.jupyter.widget-view+json": widget,
                },
                "metadata": {},
            },
        ),
    ]
    state = {
        "a1": {
            "model_module": "@jupyter-widgets/controls",
            "model_name": "IntProgressModel",
            "model_module_version": "1.5.0",
            "state": {"value": 3, "max": 100, "_dom_classes": []},
        }
    }
    metadata = {
        "colab": {"provenance": [], "toc_visible": True, "gpuType": "T4"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": {"application/vnd.jupyter.widget-state+json": state},
    }
    book = {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": cells}
    text = json.dumps(book, indent=2, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


ALL = {"old.ipynb": old(), "vscode.ipynb": vscode(), "colab.ipynb": colab()}

"""Notebooks as text for tests: cells, outputs, and the file that has them."""

from __future__ import annotations

import json
from collections.abc import Mapping


def code(source: str, *outputs: Mapping[str, object], count: int | None = 1) -> dict[str, object]:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def markdown(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def stream(text: str) -> dict[str, object]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def notebook(*cells: Mapping[str, object]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})

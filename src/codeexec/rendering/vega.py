"""Vega and Vega-Lite charts as SVG, by vl-convert. Nothing is loaded from an address."""

from __future__ import annotations

import re
from typing import Any

from codeexec.domain.text.parsing import load_json
from codeexec.rendering.faults import Fault
from codeexec.rendering.inks import Inks

_VERSION = re.compile(r"\.v(\d+)")
_SCHEMA = re.compile(r"/v(\d+)")
LITE_VERSIONS = {"6": "6.4", "5": "5.21", "4": "5.8", "3": "5.8", "2": "5.8"}
"""Vega-Lite of vl-convert for a major version; older charts are read by the oldest there is."""
NEWEST_LITE = "6.4"


def vega_svg(text: str, mime: str, ground: str) -> str:
    """The chart on the ground colour (`#rrggbb`). Raises Fault, and ValueError of the engine."""
    spec = load_json(text)
    if not isinstance(spec, dict):
        raise Fault("it is no chart")
    if address := _data_address(spec):
        raise Fault(f"its data are at {address}, and nothing is loaded from there")
    import vl_convert

    inks = Inks(ground)
    if "lite" in mime:
        return str(
            vl_convert.vegalite_to_svg(
                spec,
                vl_version=_lite_version(spec, mime),
                config=_lite_config(inks),
                allowed_base_urls=[],
            )
        )
    return str(vl_convert.vega_to_svg(_with_config(spec, inks), allowed_base_urls=[]))


def _lite_version(spec: dict[str, Any], mime: str) -> str:
    match = _SCHEMA.search(str(spec.get("$schema", ""))) or _VERSION.search(mime)
    return LITE_VERSIONS.get(match[1] if match else "", NEWEST_LITE)


def _lite_config(inks: Inks) -> dict[str, Any]:
    """Colours of the theme; what the chart sets itself counts more."""
    lines = {"domainColor": inks.soft, "tickColor": inks.soft, "gridColor": inks.grid}
    words = {"labelColor": inks.ink, "titleColor": inks.ink}
    return {
        "background": inks.ground,
        "axis": {**lines, **words},
        "legend": words,
        "header": words,
        "title": {"color": inks.ink, "subtitleColor": inks.soft},
        "view": {"stroke": inks.grid},
        "text": {"color": inks.ink},
        "rule": {"color": inks.ink},
    }


def _with_config(spec: dict[str, Any], inks: Inks) -> dict[str, Any]:
    given = spec.get("config")
    own = given if isinstance(given, dict) else {}
    config = {**_lite_config(inks), "style": {"guide-label": {"fill": inks.ink}}}
    for name, values in own.items():
        below = config.get(name)
        if isinstance(below, dict) and isinstance(values, dict):
            config[name] = {**below, **values}
        else:
            config[name] = values
    return {"background": inks.ground, **spec, "config": config}


def _data_address(spec: object) -> str:
    """The address of data that the chart would load; empty where it has all within itself."""
    waiting = [spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            data = value.get("data")
            for source in data if isinstance(data, list) else [data]:
                address = source.get("url") if isinstance(source, dict) else None
                if isinstance(address, str):
                    return address[:80]
                if address is not None:
                    return "an address that it computes"
            waiting += [
                child for name, child in value.items() if name not in ("values", "datasets")
            ]
        elif isinstance(value, list):
            waiting += value
    return ""

"""The version of events, requests and journals."""

from __future__ import annotations

SCHEMA = 2

"""The JSON schema of a lesson's front matter."""

from __future__ import annotations

import msgspec

from codeexec.documents.lessons.model import FrontMatter


def front_matter_schema() -> dict[str, object]:
    """Of JSON Schema 2020-12, as https://json-schema.org/draft/2020-12 has it."""
    schema = msgspec.json.schema(FrontMatter)
    fields = schema.pop("$defs")["FrontMatter"]
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **fields, "title": "Front matter of a lesson"}

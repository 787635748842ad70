"""Texts of plugins that tests load, and requests about them."""

from __future__ import annotations

from codeexec.domain import requests as q
from codeexec.session.session import Session

SUMMARY = '''
from taskweaver.plugin import Plugin, register_plugin, test_plugin


@register_plugin
class Summary(Plugin):
    """Counts words, with a prefix of its configuration."""

    def __call__(self, text):
        words = len(text.split())
        self.log("info", f"counted {words}")
        prefix = self.config.get("prefix", "none")
        unit = self.ctx.get_session_var("unit", "words")
        line = f"{prefix}: {words} {unit}"
        self.ctx.add_artifact("report", "report.txt", "txt", line)
        return line


@test_plugin(name="counting", description="two words")
def counts(summary):
    assert summary("a b").endswith("2 words")
'''

SYNTAX_ERROR = "from taskweaver.plugin import Plugin\n\nclass Broken(Plugin)\n    pass\n"

RAISES = """
from taskweaver.plugin import Plugin, register_plugin

@register_plugin
class Raises(Plugin):
    def __init__(self, name, ctx, config):
        super().__init__(name, ctx, config)
        raise ValueError("no such table: " + config["table"])

    def __call__(self):
        pass
"""

PRINTS = """
from taskweaver.plugin import register_plugin

print("loading")

@register_plugin
def prints(x):
    print("called with", x)
    return x
"""

BLOCKS = "import time\nwhile True:\n    time.sleep(0.02)\n"

TWICE = """
from taskweaver.plugin import Plugin, register_plugin

@register_plugin
class First(Plugin):
    def __call__(self):
        pass

@register_plugin
class Second(Plugin):
    def __call__(self):
        pass
"""


async def load(
    session: Session, name: str, text: str, config: dict[str, str] | None = None, **more: object
) -> q.PluginAnswer:
    """Load a plugin, and wait for the answer."""
    request = q.LoadPlugin(name, text, config or {}, **more)  # type: ignore[arg-type]  # by name
    return await session.call(request)

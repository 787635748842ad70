"""Output widgets by the messages of a kernel: what they capture is theirs, not the cell's."""

from __future__ import annotations

from codeexec.kernels.base import Displayed, DisplayRefreshed
from codeexec.kernels.jupyter.messages.codec import Message, Parent
from codeexec.kernels.jupyter.widgets.output import (
    MOST_CHARACTERS,
    MOST_OUTPUTS,
    VIEW,
    OutputWidgets,
)


class Kernel:
    """Sends messages of a request to the widgets, as a kernel does."""

    def __init__(self) -> None:
        self.widgets = OutputWidgets()

    def send(self, kind: str, request: str = "r1", **content: object) -> bool:
        """Whether a widget has captured it."""
        message = Message(kind, "", Parent(msg_id=request), content)
        return self.widgets.captures(message)

    def make(self, model: str, name: str = "OutputModel", **state: object) -> None:
        data = {"state": {"_model_name": name, **state}}
        assert not self.send("comm_open", comm_id=model, data=data)

    def update(self, model: str, **state: object) -> None:
        data = {"method": "update", "state": state}
        assert not self.send("comm_msg", comm_id=model, data=data)

    def write(self, text: str, name: str = "stdout") -> bool:
        return self.send("stream", name=name, text=text)

    def show(self, model: str) -> Displayed:
        data = {"text/plain": "Output()", VIEW: {"model_id": model}}
        placed = self.widgets.placed(Displayed("e", data, {}, "display"))
        assert isinstance(placed, Displayed)
        return placed

    def shown(self) -> list[tuple[str, object]]:
        """Displays that changed, with their text."""
        events = list(self.widgets.changes(now=True))
        return [
            (event.display_id, event.data.get("text/plain"))
            for event in events
            if isinstance(event, DisplayRefreshed)
        ]


def test_what_is_written_within_is_the_widgets() -> None:
    kernel = Kernel()
    kernel.make("m1")
    assert not kernel.write("before\n")
    assert kernel.show("m1").display_id == "widget-m1"
    kernel.update("m1", msg_id="r1")
    assert kernel.write("one\n")
    assert kernel.send("clear_output", wait=True)
    assert kernel.shown() == [("widget-m1", "one")]
    assert kernel.write("two\n")
    assert kernel.write("three\r4\n")
    assert not kernel.send("stream", "r2", name="stdout", text="of another request")
    kernel.update("m1", msg_id="")
    assert not kernel.write("after\n")
    assert kernel.shown() == [("widget-m1", "two\n4")]
    assert kernel.shown() == []
    output = {"output_type": "stream", "name": "stdout", "text": "two\nthree\r4\n"}
    (content,) = kernel.widgets.updates()
    assert content["data"]["state"] == {"outputs": [output]}
    assert kernel.show("m1").data["text/plain"] == "two\n4"  # shown once more


def test_the_innermost_widget_captures() -> None:
    kernel = Kernel()
    for model in ("m1", "m2"):
        kernel.make(model)
        kernel.show(model)
        kernel.update(model, msg_id="r1")
        assert kernel.write(f"in {model}\n")
    kernel.update("m2", msg_id="")
    assert kernel.write("m1 again\n")
    assert kernel.shown() == [("widget-m1", "in m1\nm1 again"), ("widget-m2", "in m2")]
    assert not kernel.send("comm_close", comm_id="m1")
    assert not kernel.write("free\n")


def test_a_container_shows_what_its_widgets_capture() -> None:
    kernel = Kernel()
    kernel.make("m1")
    kernel.make("box", "VBoxModel", children=["IPY_MODEL_m1", 3])
    kernel.show("box")
    kernel.update("m1", msg_id="r1")
    kernel.write("value\n")
    assert kernel.send("error", ename="E", evalue="v", traceback=["row 1", "row 2"])
    assert kernel.shown() == [("widget-box", "value\nrow 1\nrow 2")]


def test_a_display_alone_is_shown_with_all_its_forms() -> None:
    kernel = Kernel()
    kernel.make("m1")
    kernel.show("m1")
    kernel.update("m1", msg_id="r1")
    data = {"image/png": "aGk=", "text/plain": "<Figure>"}
    assert kernel.send("display_data", data=data, metadata={})
    (event,) = [
        event for event in kernel.widgets.changes(now=True) if isinstance(event, DisplayRefreshed)
    ]
    assert isinstance(event, DisplayRefreshed)
    assert event.data == {**data, VIEW: {"model_id": "m1"}}
    kernel.write("and text")
    assert kernel.shown() == [("widget-m1", "[image/png]\nand text")]


def test_outputs_that_the_code_sets() -> None:
    kernel = Kernel()
    kernel.make("m1")
    kernel.show("m1")
    kernel.update("m1", outputs=[{"output_type": "stream", "name": "stdout", "text": "set"}, 3])
    assert kernel.shown() == [("widget-m1", "set")]
    assert list(kernel.widgets.updates()) == []  # the kernel knows
    kernel.update("m1", outputs=[])
    assert kernel.shown() == [("widget-m1", "Output()")]
    kernel.update("m1", msg_id=None, outputs="odd")
    kernel.send("comm_msg", comm_id="m9", data=None)
    kernel.send("comm_open", comm_id="m9", data={"state": 3})


def test_what_a_widget_keeps_is_bounded() -> None:
    kernel = Kernel()
    kernel.make("m1")
    kernel.show("m1")
    kernel.update("m1", msg_id="r1")
    for number in range(MOST_OUTPUTS * 2):
        kernel.write("x" * MOST_CHARACTERS, "stdout" if number % 2 else "stderr")
    ((_, text),) = kernel.shown()
    assert len(str(text)) == MOST_CHARACTERS
    (content,) = kernel.widgets.updates()
    assert len(content["data"]["state"]["outputs"]) == MOST_OUTPUTS

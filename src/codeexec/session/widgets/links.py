"""Links between models (`jslink`, `jsdlink`): which keys of other models follow a change.

https://ipywidgets.readthedocs.io/en/stable/examples/Widget%20Events.html#linking-widgets
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from codeexec.domain.content.comms import CommView

_REFERENCE = "IPY_MODEL_"
_BOTH_WAYS, _ONE_WAY = "LinkModel", "DirectionalLinkModel"


class StateKey(Struct, frozen=True):
    """A key of the state of a model."""

    model: str
    key: str


class ModelLink(Struct, frozen=True):
    """The target is set to what the source is set to; where it goes `both_ways` also the source."""

    source: StateKey
    target: StateKey
    both_ways: bool


def link_of(view: CommView) -> ModelLink | None:
    """The link that a comm is; None: it is none, or closed."""
    kind = view.state.get("_model_name")
    if view.is_closed or kind not in (_BOTH_WAYS, _ONE_WAY):
        return None
    source, target = _place(view.state.get("source")), _place(view.state.get("target"))
    if source is None or target is None or source == target:
        return None
    return ModelLink(source, target, kind == _BOTH_WAYS)


def _place(value: object) -> StateKey | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    reference, key = value
    if not isinstance(reference, str) or not reference.startswith(_REFERENCE):
        return None
    return StateKey(reference.removeprefix(_REFERENCE), key) if isinstance(key, str) else None


class LinkTable:
    """The links of a session, by their comms."""

    def __init__(self, comms: Mapping[str, CommView]) -> None:
        self._links = {name: link for name, view in comms.items() if (link := link_of(view))}

    def take(self, comm_id: str, view: CommView | None) -> ModelLink | None:
        """Follow a comm that was opened, changed or closed; the link that it is now."""
        link = link_of(view) if view is not None else None
        if link is None:
            self._links.pop(comm_id, None)
        else:
            self._links[comm_id] = link
        return link

    def is_linked(self, model: str) -> bool:
        """Whether a change of this model may set another one, or follow from one."""
        return any(model in (link.source.model, link.target.model) for link in self._links.values())

    def followers(self, place: StateKey, comms: Mapping[str, CommView]) -> Iterator[StateKey]:
        """What is set to the same value, by links that are not closed."""
        for comm_id, link in self._links.items():
            if (view := comms.get(comm_id)) is None or view.is_closed:
                continue
            if link.source == place:
                yield link.target
            elif link.both_ways and link.target == place:
                yield link.source

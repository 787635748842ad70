"""Where an Enterprise Gateway runs the kernels of a kernelspec, and with what, for people."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.domain.places.backends import KERNEL_PREFIX
from codeexec.domain.text.printable import printable

_PLACES = {
    "KubernetesProcessProxy": "Kubernetes",
    "SparkOperatorProcessProxy": "Spark on Kubernetes",
    "CustomResourceProcessProxy": "Kubernetes",
    "YarnClusterProcessProxy": "YARN",
    "DockerSwarmProcessProxy": "Docker Swarm",
    "DockerProcessProxy": "Docker",
    "ConductorClusterProcessProxy": "Conductor",
    "DistributedProcessProxy": "a host of the gateway's list",
    "LocalProcessProxy": "the gateway's machine",
}
"""By the class of `metadata.process_proxy`."""
LONGEST = 200


def spec_resources(spec: Mapping[str, object]) -> str:
    """Of one line; empty where the kernelspec names no place, as those of other servers."""
    metadata = _table(spec.get("metadata"))
    proxy = _table(metadata.get("process_proxy"))
    class_name = str(proxy.get("class_name") or "").rpartition(".")[2]
    if not class_name:
        return ""
    parts = [f"runs on {_PLACES.get(class_name, class_name)}"]
    if image := _table(proxy.get("config")).get("image_name"):
        parts.append(f"image {image}")
    parts += [
        f"{name}={value}"
        for name, value in _table(spec.get("env")).items()
        if str(name).startswith(KERNEL_PREFIX)
    ]
    return printable(", ".join(parts))[:LONGEST]


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

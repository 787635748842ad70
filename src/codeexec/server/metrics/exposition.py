"""Metrics as Prometheus text. Six kinds of figures need no library of their own: prometheus_client
would bring a registry for the whole process, and its threads."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from codeexec import __version__
from codeexec.server.metrics.http_meter import HttpMeter
from codeexec.session.activity import BOUNDS, Histogram
from codeexec.session.host import Host

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, object]
Samples = Iterable[tuple[Labels, float]]


def exposition(host: Host, meter: HttpMeter) -> str:
    """All metrics now, of all users."""
    return "".join(f"{line}\n" for line in _lines(host, meter))


def _lines(host: Host, meter: HttpMeter) -> Iterator[str]:
    activity = host.activity
    kernels: Counter[str] = Counter()
    running = queued = 0
    for session in host.sessions:
        for slot in session.slots:
            kernels[slot.view.state] += 1
            running += slot.queue.running is not None
            queued += len(slot.queue.waiting)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield from _metric("info", "gauge", "The server", [({"version": __version__}, 1)])
    yield from _metric("sessions", "gauge", "Open sessions", [({}, len(host.sessions))])
    by_state = _by("state", kernels)
    yield from _metric("kernels", "gauge", "Kernels of open sessions", by_state)
    yield from _metric("executions_running", "gauge", "Executions that run", [({}, running)])
    yield from _metric("executions_queued", "gauge", "Executions that wait", [({}, queued)])
    yield from _metric(
        "executions_total", "counter", "Executions by end", _by("status", activity.finished)
    )
    yield from _metric(
        "kernel_events_total", "counter", "Kernels by event", _by("event", activity.kernels)
    )
    yield from _metric("output_rows_total", "counter", "Rows of output", [({}, activity.rows)])
    yield from _histogram("execution_queued_seconds", "Time in the queue", activity.queued_seconds)
    yield from _histogram("execution_seconds", "Time of a run", activity.run_seconds)
    requests = [
        ({"method": method, "status": status}, float(count))
        for (method, status), count in sorted(meter.requests.items())
    ]
    yield from _metric("http_requests_total", "counter", "Answered HTTP requests", requests)
    yield from _histogram("http_request_seconds", "Time to the end of an answer", meter.seconds)
    yield from _metric(
        "http_sent_bytes_total", "counter", "Bytes of answers' bodies", [({}, meter.bytes_sent)]
    )
    seconds = usage.ru_utime + usage.ru_stime
    yield from _metric("process_cpu_seconds_total", "counter", "CPU time", [({}, seconds)])


def _by(label: str, counts: Counter[str]) -> list[tuple[Labels, float]]:
    return [({label: name}, float(count)) for name, count in sorted(counts.items())]


def _metric(name: str, kind: str, text: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP codeexec_{name} {text}"
    yield f"# TYPE codeexec_{name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _histogram(name: str, text: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP codeexec_{name} {text}"
    yield f"# TYPE codeexec_{name} histogram"
    below = 0
    for bound, count in zip((*BOUNDS, "+Inf"), histogram.counts, strict=True):
        below += count
        yield _sample(f"{name}_bucket", {"le": bound}, below)
    yield _sample(f"{name}_sum", {}, histogram.sum)
    yield _sample(f"{name}_count", {}, histogram.count)


def _sample(name: str, labels: Labels, value: float) -> str:
    pairs = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return (
        f"codeexec_{name}{{{pairs}}} {_number(value)}"
        if pairs
        else f"codeexec_{name} {_number(value)}"
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)

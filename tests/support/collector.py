"""A collector of traces: receives what OpenTelemetry sends over HTTP, and reads its protobuf."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it was received."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    """Ids of the spans it is linked to."""
    attributes: Mapping[str, Any]
    error: bool
    seconds: float


@dataclass
class Collector:
    """Every span that was received, in that order."""

    url: str
    spans: list[ReceivedSpan] = field(default_factory=list)

    def named(self, name: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.name == name]

    def children(self, parent: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if span.parent == parent]

    def linked_to(self, id_: str) -> list[ReceivedSpan]:
        return [span for span in self.spans if id_ in span.links]

    def reached_from(self, id_: str) -> list[ReceivedSpan]:
        """Where one gets from a span, with time: to its children, and along links to what came after.

        A link says which span came before, but for an event's to its chunk and a report's to the
        request that asked for it.
        """
        known = {span.id: span for span in self.spans}
        reached: dict[str, ReceivedSpan] = {}
        waiting = [id_]
        while waiting:
            at = waiting.pop()
            on = [*self.children(at), *self.linked_to(at)]
            if at in known and known[at].name.startswith(("process", "merge")):
                links = [known[link] for link in known[at].links if link in known]
                on += [span for span in links if span.name.startswith(("process", "GET"))]
            for span in on:
                if span.id not in reached:
                    reached[span.id] = span
                    waiting.append(span.id)
        return list(reached.values())


@contextmanager
def running_collector() -> Iterator[Collector]:
    """On a port of its own, in a thread, since senders may block the event loop meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.spans += spans_of(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def spans_of(request: ExportTraceServiceRequest) -> list[ReceivedSpan]:
    return [
        ReceivedSpan(
            service=attributes_of(resource.resource)["service.name"],
            name=span.name,
            kind=span.kind,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            links=tuple(link.span_id.hex() for link in span.links),
            attributes=attributes_of(span),
            error=span.status.code == span.status.STATUS_CODE_ERROR,
            seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes_of(holder: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}

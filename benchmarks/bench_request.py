"""What a request costs: CPU of the server process, 16 keep-alive connections, uvicorn with uvloop and httptools.

Run it with `python -m benchmarks.bench_request`; see `benchmarks/_harness.py` for the options.
"""

from contextlib import ExitStack, closing

from benchmarks._harness import Load, Report, Server, arguments, cpu_per_request, finish, request_bytes, uvicorn_command

REQUESTS = {
    "bare FastAPI, flat route": ("bare", "/items/1"),
    "default FastAPI, flat route": ("default", "/items/1"),
    "bare FastAPI, two include_router": ("included", "/api/v1/items/1"),
    "application, two include_router": ("application", "/api/v1/items/1"),
    "application, the same, docs on": ("application_with_docs", "/api/v1/items/1"),
    "application, the same, access log": ("application_as_shipped", "/api/v1/items/1"),
}
PROBES = {
    "raw ASGI": ("raw", "/"),
    "application, /liveness": ("application", "/api/v1/sys/liveness"),
    "application, /readiness": ("application", "/api/v1/sys/readiness"),
    "application, /health": ("application", "/api/v1/sys/health"),
}


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=4, restarts=5)
    requests, slices = (100, 1) if options.quick else (600, 10)
    reports = [
        Report(
            "A request: GET /items/{id}, pydantic response model",
            unit="us CPU",
            baseline="bare FastAPI, flat route",
            goals={"application, two include_router": 1.02},
        ),
        Report(
            "A probe",
            unit="us CPU",
            baseline="raw ASGI",
            goals={"application, /liveness": 1.10, "application, /readiness": 1.10, "application, /health": 1.10},
        ),
    ]
    for _ in range(options.restarts):
        for report, subjects in zip(reports, (REQUESTS, PROBES), strict=True):
            with ExitStack() as servers:
                rounds = {}
                for name, (factory, path) in subjects.items():
                    command = uvicorn_command(f"benchmarks._subjects_request:{factory}")
                    server = servers.enter_context(Server(command))
                    load = servers.enter_context(closing(Load(server.port, request_bytes(path))))
                    rounds[name] = cpu_per_request(server, load, requests=requests)
                report.collect(rounds, rounds=options.rounds, slices=slices)
    finish(reports, options)


if __name__ == "__main__":
    main()

"""What it costs to authenticate a request by its token, against joserfc with a key object that is kept.

joserfc decodes the token and checks issuer, audience and time; ours goes from the request's header to a typed payload.
Run it with `python -m benchmarks.bench_jwt`; see `benchmarks/_harness.py`.
"""

import asyncio
import time
import warnings
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, closing, suppress
from typing import Any
from urllib.request import urlopen

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from starlette.requests import Request

from benchmarks._harness import Load, Report, Server, arguments, cpu_per_request, finish, request_bytes, uvicorn_command
from benchmarks._subjects_jwt import AUDIENCE, ISSUER, service_of, signed_token
from benchmarks.bench_logs import Absolute
from fastapi_factory_utilities.core.security.jwt import JWTAuthenticationError

KEYS: dict[str, Callable[[], Key]] = {
    "RS256": lambda: RSAKey.generate_key(2048),
    "ES256": lambda: ECKey.generate_key("P-256"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}
CALLS = 200


def request_with(token: str) -> Request:
    """Make a request as a server does."""
    return Request({"type": "http", "headers": [(b"host", b"a"), (b"authorization", b"Bearer " + token.encode())]})


def joserfc_of(key: Key, algorithm: str, token: str) -> Callable[[], object]:
    """Return what a careful user of joserfc does for each token."""
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    algorithms = [algorithm]

    def verify() -> object:
        found = jwt.decode(token, key, algorithms=algorithms)
        rules.validate(found.claims)
        return found

    return verify


def cpu_of(call: Callable[[], object], calls: int) -> Callable[[], float]:
    """Return a function that measures one slice: microseconds of CPU for each call."""

    def measure() -> float:
        began = time.thread_time_ns()
        for _ in range(calls):
            call()
        return (time.thread_time_ns() - began) / calls / 1000

    return measure


def cpu_of_coroutine(make: Callable[[], Coroutine[Any, Any, object]], calls: int) -> Callable[[], float]:
    """The same for a coroutine function whose calls wait for nothing; the event loop's own part is measured as well."""

    async def all_calls() -> float:
        began = time.thread_time_ns()
        for _ in range(calls):
            await make()
        return (time.thread_time_ns() - began) / calls / 1000

    return lambda: asyncio.run(all_calls())


def measure_algorithm(algorithm: str, rounds: int, calls: int, slices: int) -> tuple[Report, Absolute]:
    """Measure one algorithm, and a token that comes again."""
    key = KEYS[algorithm]()
    token = signed_token(key, algorithm)
    request = request_with(token)
    service = service_of(key, algorithm)
    remembering = service_of(key, algorithm, cache_size=100)
    ours = f"ours, {algorithm}"
    report = Report(f"authenticate(), {algorithm}", unit="us CPU", baseline="joserfc", goals={ours: 1.08})
    report.collect(
        {
            "joserfc": cpu_of(joserfc_of(key, algorithm, token), calls),
            ours: cpu_of_coroutine(lambda: service.authenticate(request), calls),
        },
        rounds=rounds,
        slices=slices,
    )
    again = Absolute(
        f"The same token again, {algorithm}", unit="us CPU", baseline="remembered", goals={"remembered, once more": 2.0}
    )
    cached = cpu_of_coroutine(lambda: remembering.authenticate(request), calls * 5)
    again.collect({"remembered": cached, "remembered, once more": cached}, rounds=rounds, slices=slices)
    return report, again


def measure_refusals(rounds: int, calls: int, slices: int) -> Report:
    """Measure what a refusal takes: nobody may learn from it whether a signature was right.

    What is refused before a signature is looked at tells only what its sender wrote himself.
    """
    key = KEYS["RS256"]()
    service = service_of(key, "RS256")
    good, unsigned = signed_token(key, "RS256"), "eyJhbGciOiJub25lIn0"
    refused = {
        "wrong signature": signed_token(KEYS["RS256"](), "RS256"),
        "right signature, expired": signed_token(key, "RS256", exp=1),
        "right signature, another audience": signed_token(key, "RS256", aud="other"),
        "right signature, no subject": signed_token(key, "RS256", sub=None),
        "unknown issuer": signed_token(key, "RS256", iss="https://other.test"),
        "no algorithm": f"{unsigned}.{good.split('.')[1]}.",
        "garbage": "garbage",
    }

    def refusing(token: str) -> Callable[[], float]:
        request = request_with(token)

        async def refuse() -> None:
            with suppress(JWTAuthenticationError):
                await service.authenticate(request)
                raise AssertionError("a token that had to be refused was accepted")

        return cpu_of_coroutine(refuse, calls)

    report = Report(
        "A refusal by authenticate(), RS256",
        unit="us CPU",
        baseline="wrong signature",
        goals={name: 1.25 for name in refused if name.startswith("right signature")},
    )
    report.collect({name: refusing(token) for name, token in refused.items()}, rounds=rounds, slices=slices)
    return report


def measure_requests(rounds: int, requests: int, slices: int) -> Report:
    """Measure what authentication adds to a request."""
    report = Report("GET /items/{id} of our application", unit="us CPU", baseline="without", goals={})
    # All have the header: to read it is the server's work, not ours.
    subjects = {"without": "without", "with a token (RS256)": "with_token", "with a remembered one": "with_cache"}
    with ExitStack() as stack:
        measured = {}
        for name, factory in subjects.items():
            server = stack.enter_context(Server(uvicorn_command(f"benchmarks._subjects_jwt:{factory}")))
            asked = request_bytes("/items/1", headers={"Authorization": _fetched_token(server.port)})
            measured[name] = cpu_per_request(
                server, stack.enter_context(closing(Load(server.port, asked))), requests=requests
            )
        report.collect(measured, rounds=rounds, slices=slices)
    return report


def _fetched_token(port: int) -> str:
    """Ask a subject for a token that it accepts."""
    with urlopen(f"http://127.0.0.1:{port}/token", timeout=10) as answer:
        return f"Bearer {answer.read().decode()}"


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=9, restarts=1)
    warnings.simplefilter("ignore", SecurityWarning)  # `EdDSA`, which issuers still write
    calls, slices = (20, 1) if options.quick else (CALLS, 10)
    reports: list[Report] = []
    for algorithm in ["RS256"] if options.quick else KEYS:
        reports += measure_algorithm(algorithm, options.rounds, calls, slices)
    reports.append(measure_refusals(options.rounds, calls, slices))
    reports.append(measure_requests(options.rounds, 100 if options.quick else 300, slices))
    finish(reports, options)


if __name__ == "__main__":
    main()

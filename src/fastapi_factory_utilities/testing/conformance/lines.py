"""What is done to the line in the tests of a connection."""

from collections.abc import Callable

from fastapi_factory_utilities.testing.proxy import FaultProxy

__all__ = ["BEARABLE", "DEADLY", "STEADY_SECONDS", "STOPPING"]

# So long that nothing that waits for it is in time.
_FOREVER_SECONDS = 3600.0
# A line that is slow and healthy, 40 ms there and back: nothing may give up on it. A driver goes that way up to ten
# times before a new connection answers, and all of that has to fit well into the one second that a ping has.
_SLOW_SECONDS = 0.02
# How long a healthy component is watched before it is believed not to flap: longer than three pings.
STEADY_SECONDS = 2.0

# Each breaks the line for good, so that no ping comes through; the backend is then as good as dead.
DEADLY: dict[str, Callable[[FaultProxy], None]] = {
    "refused": FaultProxy.refuse,
    "frozen": FaultProxy.freeze,
    "reset": FaultProxy.reset,
    "latency": lambda proxy: proxy.latency(_FOREVER_SECONDS),
    "bandwidth": lambda proxy: proxy.bandwidth(1),
    "cut": lambda proxy: proxy.cut_after(3),
}
# Each makes the line worse, and leaves it usable.
BEARABLE: dict[str, Callable[[FaultProxy], None]] = {
    "latency": lambda proxy: proxy.latency(_SLOW_SECONDS),
    "sliced": lambda proxy: proxy.slice(7),
    "slow close": lambda proxy: proxy.slow_close(_FOREVER_SECONDS),
    "dropped once": FaultProxy.drop,
}
STOPPING: dict[str, Callable[[FaultProxy], None]] = {
    **{name: DEADLY[name] for name in ("refused", "frozen", "reset")},
    "slow close": BEARABLE["slow close"],
}

"""Paired measurements of the library; each `bench_*.py` runs by itself: `python -m benchmarks.bench_request`."""

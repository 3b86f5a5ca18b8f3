"""Benchmarks: sequences, protocol, result files and score in one object each."""

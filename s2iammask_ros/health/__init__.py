"""How it is doing: counters, latency, diagnostics, and a log that stays readable."""

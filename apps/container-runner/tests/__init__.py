"""Tests of the runner: raw ASGI apps and raw bytes here, the real client in `stock`."""

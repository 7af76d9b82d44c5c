"""The runner with the real client from PyPI, between a stand-in for the container's door and raw HTTP."""

"""Web servers of the user's own, for the tests with the real client."""

import os
import subprocess
import sys

import modal
import modal._runtime.asgi

# Another address than that of the loopback, on every machine: it stands for the one of the container's network.
modal._runtime.asgi.get_ip_address = lambda _interface: "127.0.0.2"

app = modal.App("runner-port-tests")


def serve(address: str):
    subprocess.Popen([sys.executable, "-m", "http.server", os.environ["TEST_PORT"], "--bind", address])


@app.function()
@modal.web_server(8000)
def everywhere():
    serve("0.0.0.0")


@app.function()
@modal.web_server(8000)
def loopback():
    serve("127.0.0.1")


@app.function()
@modal.web_server(8000)
def silent():
    pass

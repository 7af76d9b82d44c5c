"""What can be reached from inside a container."""

import socket
import threading
import urllib.request

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("reaching")


@app.function(image=image)
@modal.fastapi_endpoint()
def reach(host: str, port: int):
    try:
        socket.create_connection((host, port), timeout=2).close()
        return {"reached": True}
    except OSError as error:
        return {"reached": False, "error": str(error)}


@app.function(image=image)
@modal.fastapi_endpoint()
def fetch(url: str):
    with urllib.request.urlopen(url, timeout=20) as response:
        return {"status": response.status}


@app.function(image=image)
@modal.fastapi_endpoint()
def address():
    # The address of this container, where it now listens, and the one of its way out.
    listener = socket.create_server(("0.0.0.0", 9000))
    threading.Thread(target=listener.accept, daemon=True).start()
    with open("/proc/net/route") as routes:
        gateway = next(line.split()[2] for line in routes if line.split()[1] == "00000000")
    return {
        "own": _own_address(),
        "gateway": socket.inet_ntoa(bytes.fromhex(gateway)[::-1]),
    }


def _own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]

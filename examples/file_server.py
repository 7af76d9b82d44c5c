"""Any program that listens on a port: here Python's own file server, over a folder from your machine."""

import pathlib
import subprocess

import modal

here = pathlib.Path(__file__).parent
app = modal.App("file-server", image=modal.Image.debian_slim().add_local_dir(here / "site", "/site"))


@app.function()
@modal.concurrent(max_inputs=100)
@modal.web_server(8000, startup_timeout=20)
def files():
    subprocess.Popen(["python", "-m", "http.server", "8000", "--directory", "/site"])

"""What goes wrong in user code: at import, in a handler, by memory, by leaving."""

import sys

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("failing")


@app.function(image=image)
@modal.asgi_app()
def broken_import():
    import a_module_that_is_not_there  # noqa: F401


@app.function(image=image)
@modal.fastapi_endpoint()
def raising():
    raise ValueError("this handler always raises")


@app.function(image=image, memory=(128, 160))
@modal.fastapi_endpoint()
def hungry():
    return {"size": len(bytearray(1024 * 1024 * 1024))}


@app.function(image=image)
@modal.fastapi_endpoint()
def leaving():
    import os

    sys.stdout.flush()
    os._exit(3)


@app.function(image=image, max_containers=1)
@modal.fastapi_endpoint()
def exiting(leave: bool = False):
    if leave:
        sys.exit("enough of it")
    return {"here": True}


@app.function(image=image, timeout=2, max_containers=1)
@modal.concurrent(max_inputs=10)
@modal.asgi_app()
def blocking():
    import time

    from fastapi import FastAPI

    api = FastAPI()

    @api.get("/")
    async def block(block: bool = False):
        # Nothing else of this container runs in the meantime.
        if block:
            time.sleep(3600)
        return {"here": True}

    return api


@app.function(image=image, timeout=2)
@modal.fastapi_endpoint()
def stuck():
    import time

    time.sleep(30)


@app.function(image=image)
@modal.fastapi_endpoint()
def fine():
    return {"ok": True}

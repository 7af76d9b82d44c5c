"""A function that sleeps, with a limit of containers and a short window."""

import os
import time

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("scaling")


@app.function(image=image, max_containers=5, scaledown_window=2)
@modal.fastapi_endpoint()
def slow():
    time.sleep(1)
    return {"container": os.environ["MODAL_TASK_ID"]}


@app.function(image=image, min_containers=2, max_containers=3, scaledown_window=2)
@modal.fastapi_endpoint()
def kept():
    return {"container": os.environ["MODAL_TASK_ID"]}


@app.function(image=image, buffer_containers=1, max_containers=5, scaledown_window=2)
@modal.asgi_app()
def buffered():
    async def hold(scope, receive, send):
        """Answers nothing: the client leaves when it has seen enough."""
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        while (await receive())["type"] != "http.disconnect":
            pass

    return hold

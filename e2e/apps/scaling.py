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

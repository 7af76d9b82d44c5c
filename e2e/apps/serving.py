"""An app that is edited while it is served."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("serving")


@app.function(image=image)
@modal.fastapi_endpoint()
def live():
    print("a line from the container")
    return {"version": 1}

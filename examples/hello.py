"""The smallest web endpoint: `modal deploy examples/hello.py`, then open the printed URL."""

import modal

app = modal.App("hello", image=modal.Image.debian_slim().pip_install("fastapi[standard]"))


@app.function()
@modal.fastapi_endpoint(docs=True)
def hello(name: str = "world") -> dict[str, str]:
    return {"greeting": f"Hello, {name}!"}

"""Functions whose requests the operator limits: one that counts bytes, and one that takes one request at a time."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("limited")


def counter():
    async def count(scope, receive, send):
        if scope["type"] != "http":
            return
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = f"{size} bytes".encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return count


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=100)
@modal.asgi_app()
def many():
    return counter()


@app.function(image=image, max_containers=1)
@modal.asgi_app()
def single():
    return counter()


@app.cls(image=image, max_containers=1)
class Shop:
    @modal.asgi_app()
    def pay(self):
        return counter()

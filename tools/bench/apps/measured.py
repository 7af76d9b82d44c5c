"""What the benchmarks call: an endpoint as people write them, and an answer that costs almost nothing."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]")
app = modal.App("measured")


@app.function(image=image, scaledown_window=2, max_containers=1)
@modal.fastapi_endpoint()
def endpoint():
    return {"hello": "world"}


@app.function(image=image, min_containers=1, max_containers=1)
@modal.concurrent(max_inputs=4000)
@modal.asgi_app()
def bare():
    bodies = {"/": b"x" * 100, "/large": b"x" * 1024 * 1024}

    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["type"] == "websocket":
            return await echo(receive, send)
        body = bodies[scope["path"]]
        length = str(len(body)).encode()
        headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=4000)
@modal.asgi_app()
def sockets():
    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await echo(receive, send)

    return answer


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})

"""One app for every protocol that its callers may speak."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("protocols")


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=50)
@modal.asgi_app()
def web():
    import asyncio

    from fastapi import FastAPI, Request, WebSocket
    from fastapi.responses import StreamingResponse

    api = FastAPI()
    left = []

    @api.get("/scheme")
    async def scheme(request: Request):
        return {"scheme": request.url.scheme, "host": request.url.hostname, "cookie": request.headers.get("cookie")}

    @api.post("/echo")
    async def echo(request: Request):
        # All of it first: a response that streams listens for messages of its own.
        pieces = [piece async for piece in request.stream()]
        return StreamingResponse(iter(pieces), media_type="application/octet-stream")

    @api.get("/events")
    async def events():
        async def generate():
            try:
                while True:
                    yield "data: tick\n\n"
                    await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                left.append("events")
                raise

        return StreamingResponse(generate(), media_type="text/event-stream")

    @api.get("/left")
    async def who_left():
        return left

    @api.websocket("/socket")
    async def socket(socket: WebSocket):
        await socket.accept()
        while True:
            await socket.send_text(await socket.receive_text())

    return api

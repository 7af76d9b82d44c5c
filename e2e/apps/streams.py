"""Bodies without an end, and requests that are held open until their client lets go."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("streams")

MIB = 1024 * 1024


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=20)
@modal.asgi_app()
def bodies():
    import asyncio

    from fastapi import FastAPI, Request
    from fastapi.responses import FileResponse, StreamingResponse

    api = FastAPI()
    # What an event stream may send next, and how many MiB each download has got.
    events = asyncio.Queue()
    sent = {}

    @api.get("/events")
    async def event_stream():
        async def generate():
            while True:
                yield f"data: {await events.get()}\n\n"

        return StreamingResponse(generate(), media_type="text/event-stream")

    @api.post("/events/{text}")
    async def send_event(text: str):
        events.put_nowait(text)

    @api.get("/download")
    async def download(mib: int, name: str):
        async def generate():
            piece = bytes(MIB)
            for number in range(mib):
                yield piece
                sent[name] = number + 1

        return StreamingResponse(generate(), media_type="application/octet-stream")

    @api.get("/sent/{name}")
    async def sent_of(name: str):
        return sent.get(name, 0)

    @api.post("/upload")
    async def upload(request: Request):
        size = 0
        async for piece in request.stream():
            size += len(piece)
        return size

    with open("/tmp/digits", "wb") as file:
        file.write(b"0123456789" * 100)

    @api.api_route("/file", methods=["GET", "HEAD"])
    async def a_file():
        return FileResponse("/tmp/digits", media_type="text/plain")

    return api


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


@app.function(image=image, max_containers=3)
@modal.concurrent(max_inputs=20, target_inputs=2)
@modal.asgi_app()
def steered():
    return hold


@app.function(image=image, max_containers=3)
@modal.concurrent(max_inputs=20)
@modal.asgi_app()
def unsteered():
    return hold

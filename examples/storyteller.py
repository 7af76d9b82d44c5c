"""Streaming: words as server-sent events, each sent when it is there, as a language model would."""

import asyncio

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("storyteller", image=image)

STORY = "Once upon a time a request found a container that was already warm."


async def words(about: str):
    for word in STORY.replace("container", about).split():
        yield f"data: {word}\n\n"
        await asyncio.sleep(0.05)


@app.function()
@modal.concurrent(max_inputs=100)
@modal.fastapi_endpoint()
async def tell(about: str = "container"):
    from fastapi.responses import StreamingResponse

    return StreamingResponse(words(about), media_type="text/event-stream")

"""An HTTP API with several routes: a FastAPI app, with models that check what comes in and docs at /docs."""

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("catalogue", image=image)


@app.function(max_containers=1)  # One container, because the items live in its memory.
@modal.concurrent(max_inputs=50)
@modal.asgi_app()
def api():
    from fastapi import FastAPI, HTTPException
    from pydantic import BaseModel, Field

    class Item(BaseModel):
        name: str
        price: float = Field(gt=0)

    web = FastAPI(title="Catalogue")
    items: dict[int, Item] = {}

    @web.post("/items", status_code=201)
    async def add(item: Item) -> dict[str, int]:
        number = len(items) + 1
        items[number] = item
        return {"number": number}

    @web.get("/items/{number}")
    async def read(number: int) -> Item:
        if number not in items:
            raise HTTPException(404, "no such item")
        return items[number]

    return web

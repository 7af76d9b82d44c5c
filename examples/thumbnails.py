"""Bytes in, bytes out: a picture is sent, a small one comes back. Pillow is installed in the image."""

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]", "pillow")
app = modal.App("thumbnails", image=image)

with image.imports():
    import io

    from fastapi import HTTPException, Request, Response
    from PIL import Image, UnidentifiedImageError


@app.function(max_containers=10, memory=512)
@modal.fastapi_endpoint(method="POST")
async def shrink(request: "Request", size: int = 64):
    try:
        picture = Image.open(io.BytesIO(await request.body()))
    except UnidentifiedImageError:
        raise HTTPException(415, "this is no picture") from None
    picture.thumbnail((size, size))
    made = io.BytesIO()
    picture.save(made, "PNG")
    return Response(made.getvalue(), media_type="image/png")

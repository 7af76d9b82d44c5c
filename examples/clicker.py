"""A page without JavaScript of one's own: FastHTML and htmx, with state in the container."""

import modal

image = modal.Image.debian_slim().pip_install("python-fasthtml")
app = modal.App("clicker", image=image)


@app.function(max_containers=1)
@modal.concurrent(max_inputs=50)
@modal.asgi_app()
def page():
    from fasthtml.common import Button, P, Titled, fast_app

    web, route = fast_app()
    clicks = 0

    @route("/")
    def get():
        return Titled("Clicker", P(f"{clicks} clicks", id="count"), Button("Click", hx_post="/click", hx_target="#count"))

    @route("/click")
    def post():
        nonlocal clicks
        clicks += 1
        return f"{clicks} clicks"

    return web

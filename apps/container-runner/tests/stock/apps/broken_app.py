"""A module that cannot be imported."""

import a_package_that_nobody_has  # noqa: F401
import modal

app = modal.App("runner-broken")


@app.function()
@modal.fastapi_endpoint()
def hello():
    return 1

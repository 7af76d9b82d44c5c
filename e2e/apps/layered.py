"""One image made of every kind of layer, and one that pins what the platform's own server might need."""

import pathlib

import modal

here = pathlib.Path(__file__).parent
image = (
    modal.Image.debian_slim(python_version="3.11")
    .apt_install("tree")
    .pip_install("fastapi[standard]")
    .uv_pip_install("iniconfig==2.0.0")
    .env({"COLOUR": "blue"})
    .workdir("/srv/site")
    .run_commands("echo made > made.txt", "mkdir -p sub && echo two > sub/two.txt")
    .add_local_file(here / "notes.txt", "/copied/notes.txt", copy=True)
    .run_commands("cp /copied/notes.txt /srv/site/seen-by-a-step.txt")
    .add_local_file(here / "notes.txt", "/mounted/notes.txt")
    .add_local_dir(here / "assets", "/mounted/assets")
    .add_local_python_source("picture")
)
# Versions of before 2022 that no current server could use.
old = modal.Image.debian_slim(python_version="3.11").pip_install(
    "fastapi==0.75.0", "starlette==0.17.1", "uvicorn==0.15.0", "h11==0.12.0", "anyio==3.5.0"
)
app = modal.App("layered")


@app.function(image=image)
@modal.fastapi_endpoint()
def inside():
    import importlib.metadata
    import os
    import subprocess

    import picture

    read = {str(path): path.read_text().strip() for path in map(pathlib.Path, FILES)}
    return {
        "files": read,
        "colour": os.environ["COLOUR"],
        "folder": os.getcwd(),
        "tree": subprocess.run(["tree", "--version"], capture_output=True, text=True).returncode,
        "iniconfig": importlib.metadata.version("iniconfig"),
        "package": picture.NAME,
    }


FILES = [
    "/srv/site/made.txt",
    "/srv/site/sub/two.txt",
    "/srv/site/seen-by-a-step.txt",
    "/mounted/notes.txt",
    "/mounted/assets/deep/a.txt",
]


@app.function(image=old)
@modal.asgi_app()
def pinned():
    import importlib.metadata

    from fastapi import FastAPI

    api = FastAPI()

    @api.get("/")
    def versions():
        return {name: importlib.metadata.version(name) for name in ("uvicorn", "h11", "starlette")}

    return api

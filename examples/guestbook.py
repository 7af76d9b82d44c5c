"""A Flask app with a form: WSGI, served by threads."""

import modal

image = modal.Image.debian_slim().pip_install("flask")
app = modal.App("guestbook", image=image)

PAGE = """<!doctype html>
<title>Guestbook</title>
<form method="post"><input name="line" placeholder="Say something"><button>Sign</button></form>
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul>
"""


@app.function(max_containers=1)
@modal.concurrent(max_inputs=10)
@modal.wsgi_app()
def book():
    from flask import Flask, redirect, render_template_string, request

    web = Flask(__name__)
    lines = []

    @web.get("/")
    def show():
        return render_template_string(PAGE, lines=lines)

    @web.post("/")
    def sign():
        lines.append(request.form["line"])
        return redirect("/")

    return web

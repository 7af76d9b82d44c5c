"""A server class, for the tests with clients that know them."""

import modal

app = modal.App("runner-server-tests")


@app.server(port=8123)
class Srv:
    @modal.enter()
    def up(self):
        print("SERVER enter", flush=True)

    @modal.exit()
    def down(self):
        print("SERVER exit", flush=True)

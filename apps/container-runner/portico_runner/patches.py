"""The few functions of the client's runtime that are replaced. All of them have been there since client 1.0.

Nothing else of the stock entrypoint changes: imports, hooks, lifespan, class parameters and volumes are as on Modal.
Whatever a future client lacks is left out, apart from the two functions through which all web types pass.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .container import Container
from .context_ids import context_ids_setter
from .exchange import App, print_error
from .ports import address_or_loopback, clear_about_loopback
from .web_function import FUNCTION_NAME, WebFunction

_MIN_CONCURRENT_INPUTS = 2


class WebPatch:
    """Sees each web function when it is made, and serves the app that comes out of it."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._name = FUNCTION_NAME
        self._port = 0
        self._wsgi = False
        self._patched = False

    def construct(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        """Replaces `construct_webhook_callable`, which knows the method and the port."""

        @functools.wraps(stock)
        def construct_webhook_callable(user_callable: Any, webhook_config: Any, io_manager: Any) -> Any:
            is_method = inspect.ismethod(user_callable)
            self._name = getattr(user_callable, "__name__", FUNCTION_NAME) if is_method else FUNCTION_NAME
            self._port = webhook_config.web_server_port
            self._prepare()
            return stock(user_callable, webhook_config, io_manager)

        return construct_webhook_callable

    def _prepare(self) -> None:
        """Not before a web function is made: this module of the client imports aiohttp, which takes its time."""
        if self._patched:
            return
        self._patched = True
        asgi = importlib.import_module("modal._runtime.asgi")
        asgi.asgi_app_wrapper = self._asgi(asgi.asgi_app_wrapper)
        asgi.wsgi_app_wrapper = self._wsgi_marked(asgi.wsgi_app_wrapper)
        asgi.get_ip_address = address_or_loopback(asgi.get_ip_address)
        asgi.wait_for_web_server = clear_about_loopback(asgi.wait_for_web_server)
        self._container.set_ids = context_ids_setter()
        definition = _definition()
        self._container.use_timeout(definition.timeout_secs)
        if (
            not self._port
            and max(definition.max_concurrent_inputs, definition.target_concurrent_inputs) < _MIN_CONCURRENT_INPUTS
        ):
            raise RuntimeError(
                "the platform started this container with max_concurrent_inputs below 2: its event loop would not run"
            )

    def _asgi(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(stock)
        def asgi_app_wrapper(app: App, io_manager: Any) -> Any:
            notes: list[str] = []
            generator, lifespan = stock(noted(app, notes), io_manager)
            served = patient(app) if self._wsgi else app
            self._wsgi = False
            self._container.add(WebFunction(self._name, served, lifespan, self._port, notes))
            return generator, lifespan

        return asgi_app_wrapper

    def _wsgi_marked(self, stock: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(stock)
        def wsgi_app_wrapper(app: Callable[..., Any], io_manager: Any) -> Any:
            self._wsgi = True
            return stock(terminated(app), io_manager)

        return wsgi_app_wrapper


def _definition() -> Any:
    """The function's definition as the platform gave it to this container."""
    from modal_proto import api_pb2

    arguments = api_pb2.ContainerArguments()
    with open(os.environ["MODAL_CONTAINER_ARGUMENTS_PATH"], "rb") as file:
        arguments.ParseFromString(file.read())
    return arguments.function_def


def noted(app: App, notes: list[str]) -> App:
    """An app that notes why its lifespan fails: the client only knows that it did."""

    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def send_and_note(message: Any) -> None:
            if str(message.get("type", "")).endswith(".failed"):
                lines = str(message.get("message") or "").strip().splitlines()
                notes.extend(lines[-1:])
            await send(message)

        if scope["type"] != "lifespan":
            return await app(scope, receive, send)
        try:
            await app(scope, receive, send_and_note)
        except Exception as error:
            notes.append(f"{type(error).__name__}: {error}")
            raise

    return asgi


def terminated(app: Callable[..., Any]) -> Callable[..., Any]:
    """Tells a WSGI app that the input ends by itself, so that it reads bodies without a content-length too."""

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["wsgi.input_terminated"] = True
        # The coding has been taken off already.
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return app(environ, start_response)

    return wsgi


def patient(app: App) -> App:
    """An app whose `send` never raises: the client's WSGI bridge would wait for ever for a sender that has died."""

    async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
        async def send_or_print(message: Any) -> None:
            try:
                await send(message)
            except Exception as error:  # noqa: BLE001 - the response has been broken off by now
                print_error(error)

        await app(scope, receive, send_or_print)

    return asgi


def patch(container: Container) -> None:
    """Replaces the functions; imports the client."""
    imports = importlib.import_module("modal._runtime.user_code_imports")
    imports.construct_webhook_callable = WebPatch(container).construct(imports.construct_webhook_callable)
    for name in ("ImportedFunction", "ImportedClass"):
        _names_methods(container, getattr(imports, name, None))
    for name in ("import_single_function_service", "import_class_service", "import_server_service"):
        _tells_import(container, imports, name)
    _tells_server(container, getattr(imports, "ImportedServer", None))
    for name in ("container_io_manager", "task_lifecycle_manager"):
        _tells_failure(container, sys.modules.get(f"modal._runtime.{name}"))
    manager = sys.modules.get("modal._runtime.container_io_manager")
    _tells_inputs(container, getattr(manager, "_ContainerIOManager", None))


def _names_methods(container: Container, service: Any) -> None:
    """The client's own names of the methods; a decorated method need not know its name."""
    stock = getattr(service, "get_finalized_functions", None)
    if stock is None:
        return

    @functools.wraps(stock)
    def get_finalized_functions(self: Any, *args: Any, **kwargs: Any) -> Any:
        functions = stock(self, *args, **kwargs)
        for name, function in functions.items():
            if getattr(function, "lifespan_manager", None) is not None:
                container.rename(function.lifespan_manager, name)
        return functions

    service.get_finalized_functions = get_finalized_functions


def _tells_import(container: Container, imports: Any, name: str) -> None:
    """The user's module has been imported."""
    stock = getattr(imports, name, None)
    if stock is None:
        return

    @functools.wraps(stock)
    def import_service(*args: Any, **kwargs: Any) -> Any:
        service = stock(*args, **kwargs)
        container.events.phase("code")
        return service

    setattr(imports, name, import_service)


def _tells_server(container: Container, service: Any) -> None:
    """A server class has run its @enter hooks; its port is the node-agent's matter."""
    stock = getattr(service, "lifecycle_postsnapshot", None)
    if stock is None:
        return

    @contextmanager
    def lifecycle_postsnapshot(self: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
        with stock(self, *args, **kwargs):
            container.started()
            yield

    service.lifecycle_postsnapshot = lifecycle_postsnapshot


def _tells_failure(container: Container, module: Any) -> None:
    """The client prints what goes wrong in the user's code before it reports it."""
    stock = getattr(module, "print_exception", None)
    if stock is None:
        return

    @functools.wraps(stock)
    def print_exception(kind: Any, error: Any, trace: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(error, BaseException):
            container.failed(error)
        return stock(kind, error, trace, *args, **kwargs)

    module.print_exception = print_exception


def _tells_inputs(container: Container, manager: Any) -> None:
    """A function that is no web function is ready when it asks for its first input."""
    stock = getattr(manager, "_generate_inputs", None)
    if stock is None:
        return

    @functools.wraps(stock)
    def generate_inputs(self: Any, *args: Any, **kwargs: Any) -> Any:
        container.ready()
        return stock(self, *args, **kwargs)

    manager._generate_inputs = generate_inputs

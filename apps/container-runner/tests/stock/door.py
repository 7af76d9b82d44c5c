"""A tiny stand-in for node-agent's container door: the ModalClient RPCs that a container calls.

Run by the Python that has the client installed. It prints one JSON line for each call, and answers the held
FunctionGetInputs with the kill switch when a line comes on its standard input.

    python door.py <socket> <arguments file> <definition as JSON>
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import grpclib.server
from google.protobuf.empty_pb2 import Empty
from modal_proto import api_grpc, api_pb2

IMAGE_ID = "im-test"
CLASS_ID = "cs-test"
FUNCTION_ID = "fu-test"


def write_arguments(path: str, wanted: dict[str, Any]) -> None:
    """The ContainerArguments of one function, class or server, as the control plane would write them."""
    is_class = wanted["name"].endswith(".*")
    fields = {
        "module_name": wanted["module"],
        "function_name": wanted["name"],
        "implementation_name": wanted["name"],
        "function_type": api_pb2.Function.FUNCTION_TYPE_FUNCTION,
        "is_class": is_class,
        "is_server": bool(wanted.get("server")),
        "max_concurrent_inputs": wanted.get("max_concurrent_inputs", 10),
        "timeout_secs": wanted.get("timeout", 300),
        "object_dependencies": [api_pb2.ObjectDependency(object_id=IMAGE_ID)],
    }
    known = api_pb2.Function.DESCRIPTOR.fields_by_name
    definition = api_pb2.Function(**{name: value for name, value in fields.items() if name in known})
    if wanted.get("server"):
        definition.http_config.port = wanted["server"]
    if wanted.get("webhook"):
        definition.webhook_config.CopyFrom(webhook(wanted["webhook"]))
    for method in wanted.get("methods", []):
        definition.method_definitions[method].CopyFrom(api_pb2.MethodDefinition(function_name=method))
    layout = api_pb2.AppLayout(
        objects=[
            api_pb2.Object(object_id=IMAGE_ID),
            api_pb2.Object(object_id=FUNCTION_ID, function_handle_metadata=function_metadata(wanted)),
        ],
        function_ids={wanted["name"]: FUNCTION_ID},
    )
    if is_class and not wanted.get("server"):
        layout.class_ids[wanted["name"].removesuffix(".*")] = CLASS_ID
        layout.objects.append(api_pb2.Object(object_id=CLASS_ID, class_handle_metadata=api_pb2.ClassHandleMetadata()))
    arguments = api_pb2.ContainerArguments(
        task_id="ta-TEST", function_id=FUNCTION_ID, app_id="ap-test", function_def=definition, app_layout=layout
    )
    with open(path, "wb") as file:
        file.write(arguments.SerializeToString())


def webhook(wanted: dict[str, Any]) -> api_pb2.WebhookConfig:
    """One kind of web function."""
    return api_pb2.WebhookConfig(
        type=getattr(api_pb2, f"WEBHOOK_TYPE_{wanted['type']}"),
        method=wanted.get("method", ""),
        web_server_port=wanted.get("port", 0),
        web_server_startup_timeout=wanted.get("startup_timeout", 5),
    )


def function_metadata(wanted: dict[str, Any]) -> api_pb2.FunctionHandleMetadata:
    """What the client wants to know about a function of the layout."""
    metadata = api_pb2.FunctionHandleMetadata(function_name=wanted["name"])
    for method in wanted.get("methods", []):
        metadata.method_handle_metadata[method].CopyFrom(api_pb2.FunctionHandleMetadata(function_name=method))
    return metadata


class Door(api_grpc.ModalClientBase):
    """Answers what a container needs; everything else is unimplemented."""

    def __init__(self) -> None:
        self.killed = asyncio.Event()

    def tell(self, call: str, **fields: object) -> None:
        print(json.dumps({"call": call, **fields}), flush=True)

    async def ContainerHello(self, stream: Any) -> None:
        await stream.recv_message()
        self.tell("ContainerHello")
        await stream.send_message(Empty())

    async def ContainerHeartbeat(self, stream: Any) -> None:
        await stream.recv_message()
        await stream.send_message(api_pb2.ContainerHeartbeatResponse())

    async def FunctionGetInputs(self, stream: Any) -> None:
        await stream.recv_message()
        self.tell("FunctionGetInputs")
        await self.killed.wait()
        item = api_pb2.FunctionGetInputsItem(kill_switch=True)
        await stream.send_message(api_pb2.FunctionGetInputsResponse(inputs=[item]))

    async def TaskResult(self, stream: Any) -> None:
        request = await stream.recv_message()
        self.tell("TaskResult", status=request.result.status, exception=request.result.exception)
        await stream.send_message(Empty())

    async def ContainerServerLifecycleReady(self, stream: Any) -> None:
        await stream.recv_message()
        self.tell("ContainerServerLifecycleReady")
        await stream.send_message(Empty())


def unimplemented() -> None:
    """Fills the service's other methods, whatever the client's version has."""

    async def refuse(self: Door, stream: Any) -> None:
        raise grpclib.GRPCError(grpclib.const.Status.UNIMPLEMENTED, "not part of this test")

    for name in list(Door.__abstractmethods__):
        setattr(Door, name, refuse)
    Door.__abstractmethods__ = frozenset()


async def main(socket: str, arguments: str, wanted: dict[str, Any]) -> None:
    """Serves until standard input ends."""
    write_arguments(arguments, wanted)
    unimplemented()
    door = Door()
    server = grpclib.server.Server([door])
    await server.start(path=socket)
    door.tell("listening")
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        door.killed.set()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))

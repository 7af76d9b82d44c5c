// Writes modal.binpb, the FileDescriptorSet of the official client's protocol, out of the pinned wheel.
// The wheel holds no .proto files; its generated Python modules carry the descriptors.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as wkt from '@bufbuild/protobuf/wkt';
import { descriptorBytes, zipEntry } from './descriptors.ts';
import { pinnedWheel } from './wheel.ts';

const MODULES = ['modal_proto/api_pb2.py', 'modal_proto/task_command_router_pb2.py'];

const wheel = readFileSync(pinnedWheel.path);
const sha256 = createHash('sha256').update(wheel).digest('hex');
if (sha256 !== pinnedWheel.sha256) {
  throw new Error(
    `${pinnedWheel.path} has sha256 ${sha256}, wanted ${pinnedWheel.sha256}: delete it and run ./portico setup`,
  );
}

const own = MODULES.map((name) =>
  fromBinary(wkt.FileDescriptorProtoSchema, descriptorBytes(zipEntry(wheel, name).toString('utf8'))),
);
const wellKnown = new Map(
  Object.values(wkt)
    .filter((value): value is DescFile => typeof value === 'object' && 'kind' in value && value.kind === 'file')
    .map((file) => [file.proto.name, file.proto]),
);

const files: wkt.FileDescriptorProto[] = [];
function add(file: wkt.FileDescriptorProto): void {
  if (files.includes(file)) return;
  for (const name of file.dependency) {
    const dependency = wellKnown.get(name) ?? own.find((candidate) => candidate.name === name);
    if (!dependency)
      throw new Error(`${file.name} imports ${name}, which neither the wheel nor the well-known types have`);
    add(dependency);
  }
  files.push(file);
}
own.forEach(add);

const set = create(wkt.FileDescriptorSetSchema, { file: files });
writeFileSync(join(import.meta.dirname, '../modal.binpb'), toBinary(wkt.FileDescriptorSetSchema, set));

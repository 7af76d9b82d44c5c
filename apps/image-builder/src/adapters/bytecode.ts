import { DomainError } from '@portico/errors';
import type { InsideImage } from './inside-image.ts';
import type { Interpreter } from './runtime-layers.ts';

/**
 * Layers are read-only and shared, so a container could not keep bytecode of its own. The paths
 * inside are those of the container, and `unchecked-hash` holds whatever the times of the files.
 */
const PROGRAM = `
import compileall, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
compileall.compile_dir("/layer", quiet=2, maxlevels=30, stripdir="/layer", invalidation_mode=mode, workers=0)
print("portico compiled")
`;

const TIMEOUT_MS = 5 * 60_000;

/** Compiles all sources below a folder with the Python of an image, which sees nothing but that folder. */
export async function compileBytecode(inside: InsideImage, interpreter: Interpreter, folder: string): Promise<void> {
  const { stdout, tail } = await inside.run(interpreter.layers, [interpreter.path, '-I', '-c', PROGRAM], {
    environment: interpreter.environment,
    writable: { source: folder, target: '/layer' },
    timeoutMs: TIMEOUT_MS,
  });
  if (stdout.includes('portico compiled')) return;
  throw new DomainError(
    'failed-precondition',
    'image.python_broken',
    `The Python of the image does not work: ${tail.trim().split('\n').at(-1) ?? ''}`,
  );
}

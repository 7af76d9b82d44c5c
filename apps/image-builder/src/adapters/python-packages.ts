import { DomainError } from '@portico/errors';
import { missingPin, type Pin, relaxed } from '../domain/requirements.ts';
import { type WheelTarget, wheelTargetOf } from '../domain/wheel-tags.ts';
import { runCommand } from './command.ts';

/** Installs wheels for the Python of an image, with the pip of this machine and its settings. */
export interface PythonPackages {
  /** Exactly these packages, without what they depend on. */
  install(target: string, abi: string, requirements: readonly string[]): Promise<void>;
  /** Pins of which an index no longer has the very version give way one by one. */
  installPins(target: string, abi: string, pins: readonly Pin[]): Promise<void>;
}

const TIMEOUT_MS = 5 * 60_000;

/** `python` is a Python of this machine that has pip. */
export function createPythonPackages(python: string): PythonPackages {
  const install: PythonPackages['install'] = async (target, abi, requirements) => {
    const args = pipArguments(target, wheelTargetOf(abi, process.arch), requirements);
    const { exitCode, tail } = await runCommand(python, args, { timeoutMs: TIMEOUT_MS });
    if (exitCode === 0) return;
    const why =
      tail
        .trim()
        .split('\n')
        .findLast((line) => line.startsWith('ERROR')) ??
      tail.trim().split('\n').at(-1) ??
      '';
    const message = `The packages that every container needs could not be installed: ${why.replace(/^ERROR: /, '')}`;
    throw new DomainError('failed-precondition', 'image.packages_unavailable', message, { cause: new Error(tail) });
  };
  return {
    install,
    async installPins(target, abi, wanted) {
      let pins = wanted;
      for (let left = 2 * wanted.length; ; left -= 1) {
        try {
          await install(
            target,
            abi,
            pins.map((pin) => pin.requirement),
          );
          return;
        } catch (error) {
          const missing = error instanceof DomainError ? missingPin(String(error.cause), pins) : undefined;
          if (!missing || left === 0) throw error;
          pins = pins.map((pin) => (pin === missing ? relaxed(pin) : pin));
        }
      }
    },
  };
}

function pipArguments(
  target: string,
  { pythonVersion, abi, platforms }: WheelTarget,
  requirements: readonly string[],
): string[] {
  return [
    ...[
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--no-compile',
      '--only-binary=:all:',
    ],
    ...['--implementation', 'cp', '--python-version', pythonVersion, '--abi', abi],
    ...platforms.flatMap((platform) => ['--platform', platform]),
    ...['--target', target, '--', ...requirements],
  ];
}

import { join } from 'node:path';

/** The client whose protocol is served, as published on PyPI. `./portico setup` downloads it. */
export const pinnedWheel = {
  version: '1.6.4',
  path: join(import.meta.dirname, '../../../.toolchain/wheels/modal-1.6.4-py3-none-any.whl'),
  sha256: '1bb631edeb7c4eae86be330430924784bf54b646cd16dc996a229c1ef81f6c9d',
};

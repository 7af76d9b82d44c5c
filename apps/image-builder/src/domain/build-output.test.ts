import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBuildOutput } from './build-output.ts';

const shown = (name: string): string => (name === 'localhost/portico:im-1' ? 'base' : name);

test('steps are counted as the client counts them, under the names of the user', () => {
  const output = createBuildOutput(shown);
  assert.equal(output.lineOf('STEP 1/2: FROM localhost/portico:im-1'), '=> Step 0: FROM base');
  assert.equal(output.lineOf('STEP 2/2: RUN pip install x'), '=> Step 1: RUN pip install x');
  assert.equal(
    output.lineOf('STEP 2/2: RUN --mount=type=bind,from=localhost/portico:im-1,target=/b true'),
    '=> Step 1: RUN --mount=type=bind,from=base,target=/b true',
  );
  assert.equal(output.lineOf('Collecting x'), 'Collecting x');
  assert.equal(output.lineOf('--> 0b49aca9202'), undefined);
  assert.equal(output.lineOf('Copying blob sha256:8dfb'), undefined);
});

test('a failed step is named with its exit code', () => {
  const output = createBuildOutput(shown);
  output.lineOf('STEP 2/2: RUN false');
  assert.equal(
    output.failure(1, 'x\nerror building at STEP "RUN false": while running runtime: exit status 3\n'),
    'The build step "RUN false" failed with exit code 3.',
  );
});

test('a failure that is no exit code keeps its reason', () => {
  const output = createBuildOutput(shown);
  output.lineOf('STEP 1/2: COPY nothing /');
  assert.match(
    output.failure(125, 'Error: building at STEP "COPY nothing /": no such file\n'),
    /"COPY nothing \/" failed: building at STEP "COPY nothing \/": no such file/,
  );
});

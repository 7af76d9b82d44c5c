import assert from 'node:assert/strict';
import { test } from 'node:test';
import { control } from '@portico/contracts';
import { bindParameters } from './bind-parameters.ts';

const { STRING, INT, BYTES, BOOL } = control.ParameterType;
type Value = control.BoundParameter['value'];

const parameter = (name: string, type: control.ParameterType, value?: Value): control.RouteParameter => ({
  ...{ name, type, hasDefault: value !== undefined },
  default: value && { name, value },
});
const name = parameter('name', STRING);
const times = parameter('times', INT, { $case: 'number', value: 1n });
const data = parameter('data', BYTES);
const isLoud = parameter('is_loud', BOOL);

const read: readonly [parameters: control.RouteParameter[], target: string, values: Value[]][] = [
  [
    [name, times],
    '/?name=Ada&times=2',
    [
      { $case: 'text', value: 'Ada' },
      { $case: 'number', value: 2n },
    ],
  ],
  [
    [name, times],
    '/x?times=2&other=1&name=Ada',
    [
      { $case: 'text', value: 'Ada' },
      { $case: 'number', value: 2n },
    ],
  ],
  [
    [name, times],
    '/?name=Ada',
    [
      { $case: 'text', value: 'Ada' },
      { $case: 'number', value: 1n },
    ],
  ],
  [[name], '/?name=', [{ $case: 'text', value: '' }]],
  [[name], '/?name', [{ $case: 'text', value: '' }]],
  [[name], '/?n%61me=A+d%20a%26', [{ $case: 'text', value: 'A d a&' }]],
  [[name], '/?name=J%C3%BCrgen', [{ $case: 'text', value: 'Jürgen' }]],
  [[name], '/?name=100%', [{ $case: 'text', value: '100%' }]],
  [[times], '/?times=-9223372036854775808', [{ $case: 'number', value: -(2n ** 63n) }]],
  [[times], '/?times=%2B7', [{ $case: 'number', value: 7n }]],
  [[times], '/', [{ $case: 'number', value: 1n }]],
  [[data], '/?data=%00%FFa', [{ $case: 'data', value: Buffer.from([0, 255, 97]) }]],
  [[isLoud], '/?is_loud=True', [{ $case: 'flag', value: true }]],
  [[isLoud], '/?is_loud=0', [{ $case: 'flag', value: false }]],
];

for (const [parameters, target, values] of read)
  test(`the parameters of ${target}`, () => {
    const bound = bindParameters(parameters, target);
    assert.ok(bound.kind === 'bound');
    const { parameters: got } = control.BoundParameters.decode(bound.serializedParams);
    assert.deepEqual(
      got,
      parameters.map(({ name }, i) => ({ name, value: values[i] })),
    );
  });

const refused: readonly [control.RouteParameter[], target: string, why: string][] = [
  [[name, times], '/', 'the parameter name is missing; give it in the query string, as ?name=…'],
  [[name, times], '/?Name=Ada', 'the parameter name is missing; give it in the query string, as ?name=…'],
  [[name], '/?name=a&x=1&name=b', 'the parameter name is given 2 times; give it once'],
  [[name], '/?name=%FF', 'the parameter name must be text in UTF-8, of at most 1024 bytes'],
  [[name], `/?name=${'a'.repeat(1_025)}`, 'the parameter name must be text in UTF-8, of at most 1024 bytes'],
  [[times], '/?times=two', 'the parameter times must be a whole number that fits in 64 bits'],
  [[times], '/?times=1.5', 'the parameter times must be a whole number that fits in 64 bits'],
  [[times], '/?times=', 'the parameter times must be a whole number that fits in 64 bits'],
  [[times], '/?times=+7', 'the parameter times must be a whole number that fits in 64 bits'],
  [[times], '/?times=9223372036854775808', 'the parameter times must be a whole number that fits in 64 bits'],
  [[isLoud], '/?is_loud=yes', 'the parameter is_loud must be true, false, 1 or 0'],
  [[data], `/?data=${'%00'.repeat(1_025)}`, 'the parameter data must be percent-encoded, of at most 1024 bytes'],
];

for (const [parameters, target, why] of refused)
  test(`${target.slice(0, 40)} is refused: ${why}`, () =>
    assert.deepEqual(bindParameters(parameters, target), { kind: 'refused', why }));

test('a query as long as a head may be is read in time linear in its length', () => {
  for (const part of ['a&', 'name&']) {
    const target = `/?${part.repeat((64 * 1024) / part.length)}`;
    const since = performance.now();
    assert.equal(bindParameters([name], target).kind, 'refused');
    assert.ok(performance.now() - since < 300, `${part} takes too long`);
  }
});

test('equal values are one set, however they are written', () => {
  const sets = ['/?name=A%20&times=1', '/?times=01&name=A+', '/?name=A+'].map((target) =>
    bindParameters([name, times], target),
  );
  assert.deepEqual(sets, [sets[0], sets[0], sets[0]]);
  assert.notDeepEqual(bindParameters([name, times], '/?name=A&times=2'), sets[0]);
});

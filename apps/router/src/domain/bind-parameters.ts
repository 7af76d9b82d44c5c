import { control } from '@portico/contracts';

/** The values of a class's parameters as one request gives them, or why it gives none. */
export type Bound =
  | { readonly kind: 'bound'; readonly serializedParams: Buffer }
  | { readonly kind: 'refused'; readonly why: string };

type Value = NonNullable<control.BoundParameter['value']>;

const { STRING, INT, BYTES, BOOL } = control.ParameterType;
const [INT_MIN, INT_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];
const flags: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);
/** Longer values would make a pool of their own for each novel. */
const VALUE_BYTES_MAX = 1_024;

/**
 * Reads the parameters of a class from the query string of a request target, in the order of their definition.
 * Equal values give equal bytes, however they were written; what else is in the query is the app's own.
 */
export function bindParameters(parameters: readonly control.RouteParameter[], target: string): Bound {
  const given = valuesOf(target, new Set(parameters.map(({ name }) => name)));
  const bound: control.BoundParameter[] = [];
  for (const parameter of parameters) {
    const { name } = parameter;
    const [text, ...others] = given.get(name) ?? [];
    if (others.length > 0) return refused(`the parameter ${name} is given ${others.length + 1} times; give it once`);
    if (text === undefined && !parameter.default)
      return refused(`the parameter ${name} is missing; give it in the query string, as ?${name}=…`);
    const value = text === undefined ? parameter.default?.value : read(parameter.type, text);
    if (!value) return refused(`the parameter ${name} must be ${expectedOf(parameter.type)}`);
    bound.push({ name, value });
  }
  return {
    kind: 'bound',
    serializedParams: Buffer.from(control.BoundParameters.encode({ parameters: bound }).finish()),
  };
}

function refused(why: string): Bound {
  return { kind: 'refused', why };
}

/** As text of one byte for each character: what the bytes mean depends on the parameter. In time linear in the target. */
function valuesOf(target: string, names: ReadonlySet<string>): Map<string, string[]> {
  const query = target.indexOf('?');
  const values = new Map<string, string[]>();
  if (query < 0) return values;
  for (const part of target.slice(query + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = asUtf8(decoded(equals < 0 ? part : part.slice(0, equals)));
    if (name === undefined || !names.has(name)) continue;
    const known = values.get(name) ?? [];
    known.push(equals < 0 ? '' : decoded(part.slice(equals + 1)));
    values.set(name, known);
  }
  return values;
}

/** As HTML forms are encoded: a plus is a space, and what is no escape stands for itself. */
function decoded(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replaceAll(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function asUtf8(text: string): string | undefined {
  try {
    return utf8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return undefined;
  }
}

function read(type: control.ParameterType, text: string): Value | undefined {
  if (text.length > VALUE_BYTES_MAX) return undefined;
  switch (type) {
    case STRING: {
      const value = asUtf8(text);
      return value === undefined ? undefined : { $case: 'text', value };
    }
    case INT: {
      const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
      return value === undefined || value < INT_MIN || value > INT_MAX ? undefined : { $case: 'number', value };
    }
    case BYTES:
      return { $case: 'data', value: Buffer.from(text, 'latin1') };
    case BOOL: {
      const value = flags.get(text.toLowerCase());
      return value === undefined ? undefined : { $case: 'flag', value };
    }
    default:
      return undefined;
  }
}

function expectedOf(type: control.ParameterType): string {
  const most = `of at most ${VALUE_BYTES_MAX} bytes`;
  if (type === INT) return 'a whole number that fits in 64 bits';
  if (type === BOOL) return 'true, false, 1 or 0';
  return type === BYTES ? `percent-encoded, ${most}` : `text in UTF-8, ${most}`;
}

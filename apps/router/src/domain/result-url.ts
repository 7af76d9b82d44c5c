import type { Answer } from './answers.ts';
import type { RequestHead } from './http1/request-head.ts';

/** The query parameter by which a client that was sent away asks for its answer; no app ever sees it. */
const PARAMETER = '__modal_attempt_token';

/** The token of a result URL; undefined for any other URL. */
export function resultTokenOf(target: string): string | undefined {
  if (!target.includes(PARAMETER)) return undefined;
  return parametersOf(target)
    .findLast((parameter) => nameOf(parameter) === PARAMETER)
    ?.slice(PARAMETER.length + 1);
}

/** Where the answer to a request can be had: the same URL with the token in its query. */
export function resultUrlOf(target: string, token: string): string {
  const path = target === '*' ? '/' : pathOf(target);
  const parameters = parametersOf(target).filter((parameter) => nameOf(parameter) !== PARAMETER);
  // A path that begins with two slashes would be read as the name of another host.
  return `${/^\/[/\\]/.test(path) ? '/.' : ''}${path}?${[...parameters, `${PARAMETER}=${token}`].join('&')}`;
}

/** What lets a script of another origin follow and read; nothing when the request is not one of those. */
export function crossOriginHeaders({ forwarded }: Pick<RequestHead, 'forwarded'>): Readonly<Record<string, string>> {
  const origin = lineOf(forwarded, 'origin');
  if (origin === undefined) return {};
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'origin' };
}

/** The header line that those depend on; empty when there is none. */
export function originLineOf({ forwarded }: Pick<RequestHead, 'forwarded'>): string {
  const origin = lineOf(forwarded, 'origin');
  return origin === undefined ? '' : `origin: ${origin}\r\n`;
}

/** The answer to a browser that asks whether a script may read the result; undefined when it asks something else. */
export function preflightAnswer({ method, forwarded }: Pick<RequestHead, 'method' | 'forwarded'>): Answer | undefined {
  if (method !== 'OPTIONS' || lineOf(forwarded, 'access-control-request-method') === undefined) return undefined;
  const headers = lineOf(forwarded, 'access-control-request-headers');
  return {
    status: 200,
    text: '',
    headers: {
      'access-control-allow-methods': 'GET, HEAD',
      ...(headers === undefined ? {} : { 'access-control-allow-headers': headers }),
    },
  };
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function parametersOf(target: string): string[] {
  const query = target.slice(pathOf(target).length + 1);
  return query === '' ? [] : query.split('&');
}

function nameOf(parameter: string): string {
  return parameter.split('=', 1)[0] ?? '';
}

/** `name` in lower case. The first line of a head has no colon behind its first word. */
function lineOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}:([^\\r]*)\\r$`, 'im').exec(head)?.[1]?.trim();
}

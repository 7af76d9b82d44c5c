/** What the router itself answers: text/plain, always with the same prefix, so that clients can tell it from an app's answer. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const answer = (status: number, text: string, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  text: `modal-http: ${text}`,
  ...(headers ? { headers } : {}),
});

/** Texts as the hosted platform gives them, where its clients know them. */
export const answers = {
  /** Unknown host and undeployed route: the same bytes, so that nobody can tell them apart. */
  unknownHost: answer(404, 'invalid function call'),
  appStopped: answer(404, 'app for invoked web endpoint is stopped'),
  missingCredentials: answer(401, 'missing credentials for proxy authorization'),
  invalidCredentials: answer(401, 'invalid credentials for proxy authorization'),
  wrongEnvironment: answer(403, 'credentials are not valid for this environment'),
  /** Empty, as clients of the hosted platform know it. */
  comeBack: (location: string): Answer => ({
    status: 303,
    text: '',
    headers: { location, 'cache-control': 'no-store' },
  }),
  badRedirectMethod: answer(400, 'bad redirect method'),
  resultGone: answer(408, 'Missing request, possibly due to expiry or cancellation'),
  badRequest: (why: string) => answer(400, `bad request: ${why}`),
  bodyTooLarge: answer(413, 'request body is too large'),
  headTooLarge: answer(431, 'request headers are too large'),
  slowClient: answer(408, 'the request did not arrive in time'),
  /** `owner` is whose limit it is; the wait is told in whole seconds, so that whoever keeps to it is let in. */
  rateLimited: (perSecond: number, owner: string, waitUs: number) =>
    answer(429, `Input rate limit (${perSecond}/s) exceeded for ${owner}`, {
      'retry-after': String(Math.ceil(waitUs / 1_000_000)),
    }),
  queueFull: (functionId: string, queueMax: number) =>
    answer(429, `Function ${functionId} reached pending input queue limit (${queueMax})`, { 'retry-after': '1' }),
  tooManyParameterSets: (most: number) =>
    answer(429, `this class is in use with ${most} different values of its parameters, which is the most`, {
      'retry-after': '30',
    }),
  queueDeadline: answer(503, 'no container became ready in time', { 'retry-after': '5' }),
  noneReady: answer(503, 'no container is ready', { 'retry-after': '1' }),
  serverFull: (perContainer: number) =>
    answer(429, `every container of this server is at its max_concurrency (${perContainer})`, {
      'retry-after': '1',
    }),
  startFailed: (why: string) => answer(500, `internal error: status Failure: ${why}`),
  killed: answer(500, 'internal error: function was terminated by signal'),
  timedOut: answer(500, 'internal error: function execution timed out'),
  unreachable: answer(502, 'unreachable'),
  notHttp2: answer(502, 'the server of this container does not speak HTTP/2, which its h2_enabled asks for'),
} as const;

import { type IncomingHttpHeaders, request } from 'node:http';
import type { Platform } from '@portico/testing';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly withinMs?: number;
}

/** Asks a route of the platform: `label` is the first part of its host name. */
export function ask(
  { httpPort }: Pick<Platform, 'httpPort'>,
  label: string,
  path = '/',
  { method, headers = {}, body, withinMs = 60_000 }: Ask = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: httpPort,
        path,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { host: `${label}.localhost`, ...headers },
        agent: false,
        signal: AbortSignal.timeout(withinMs),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A load that goes on until it is stopped, and what came of it. */
export interface Load {
  readonly answers: Reply[];
  readonly failures: string[];
  stop(): Promise<void>;
}

/** Several askers in a row each, one after the other: bounded in number, ended by `stop`. */
export function startLoad(platform: Pick<Platform, 'httpPort'>, label: string, askers: number, pauseMs = 20): Load {
  const answers: Reply[] = [];
  const failures: string[] = [];
  let isOver = false;
  const once = async (): Promise<void> => {
    while (!isOver) {
      try {
        const reply = await ask(platform, label);
        answers.push(reply);
        if (reply.status !== 200) failures.push(`${reply.status} ${reply.text}`);
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const running = Array.from({ length: askers }, once);
  return {
    answers,
    failures,
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, type Sight, verdictOf } from './verdict.ts';

const answer = (status: number, text: string): Outcome => ({ kind: 'answer', status, text });
const sight = (phase: Sight['phase'], stops = 0, seen = 3): Sight => ({ phase, stops, seen });
const stopped = answer(404, 'modal-http: app for invoked web endpoint is stopped');

const rows: [string, Outcome, Sight, Sight, string][] = [
  ['the newest version', answer(200, '{"version":3}'), sight('serving'), sight('serving'), 'good'],
  ['a newer version', answer(200, '{"version": 4}\n'), sight('serving'), sight('serving'), 'good'],
  ['an older version', answer(200, '{"version":2}'), sight('serving'), sight('serving'), 'failed'],
  ['a part of an answer', answer(200, '{"version":'), sight('serving'), sight('serving'), 'failed'],
  ['an error', answer(502, 'modal-http: unreachable'), sight('serving'), sight('serving'), 'failed'],
  ['an error while stopped', answer(502, 'modal-http: unreachable'), sight('stopped'), sight('stopped'), 'failed'],
  ['stopped, but nobody did', stopped, sight('serving'), sight('serving'), 'failed'],
  ['stopped before', stopped, sight('stopped'), sight('serving'), 'stopped'],
  ['stopped meanwhile', stopped, sight('serving'), sight('stopped', 1), 'stopped'],
  ['stopped and back meanwhile', stopped, sight('serving'), sight('serving', 1), 'stopped'],
  ['no answer', { kind: 'broken', error: 'reset' }, sight('stopped'), sight('stopped'), 'failed'],
];

for (const [name, outcome, atStart, atEnd, kind] of rows)
  test(`${name}: ${kind}`, () => assert.equal(verdictOf(outcome, atStart, atEnd).kind, kind));

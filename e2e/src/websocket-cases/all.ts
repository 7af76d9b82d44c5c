import type { WebSocketCase } from '../websocket-case.ts';
import { closingCases } from './closings.ts';
import { compressedCases } from './compressed.ts';
import { fragmentCases } from './fragments.ts';
import { frameCases } from './frames.ts';
import { limitCases } from './limits.ts';
import { textCases } from './texts.ts';

export const websocketCases: readonly WebSocketCase[] = [
  ...frameCases,
  ...fragmentCases,
  ...textCases,
  ...closingCases,
  ...limitCases,
  ...compressedCases,
];

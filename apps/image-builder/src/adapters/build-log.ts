import type { imageBuilder } from '@portico/contracts';
import type { EventStream } from '@portico/messaging';
import type { Logger } from '@portico/telemetry';

/** The log of one build: lines in order, stored as they come. */
export interface BuildLog {
  say(text: string, isError: boolean): void;
  /** The last line; told however much was said before. */
  conclude(text: string, isError: boolean): void;
  /** Resolves when all that was said is stored. */
  stored(): Promise<void>;
}

type Stream = Pick<EventStream<imageBuilder.BuildLogLine>, 'publish'>;

/** A build that prints without end fills neither memory nor the stream. */
const LINES_MAX = 200_000;
const LINE_CHARS_MAX = 64_000;

/** How many lines may be on their way to the stream; a build that prints more waits in memory. */
const AT_ONCE = 64;

export function openBuildLog(stream: Stream, imageId: string, attempt: number, logger: Logger): BuildLog {
  const waiting: imageBuilder.BuildLogLine[] = [];
  let sending: Promise<void> | undefined;
  let lines = 0;
  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      // One connection keeps the order of what is published at once.
      const sent = waiting.splice(0, AT_ONCE).map((line) => stream.publish([imageId], line));
      for (const result of await Promise.allSettled(sent)) {
        if (result.status === 'rejected')
          logger.warn({ err: result.reason, 'image.id': imageId }, 'A line of a build log was lost');
      }
    }
    sending = undefined;
  };
  return {
    say(text, isError) {
      lines += 1;
      if (lines > LINES_MAX) return;
      const shown = lines === LINES_MAX ? 'The rest of the output is left out.' : text.slice(0, LINE_CHARS_MAX);
      waiting.push({ text: `${shown}\n`, isError, timeUnixNano: BigInt(Date.now()) * 1_000_000n, attempt });
      sending ??= send();
    },
    conclude(text, isError) {
      lines = 0;
      this.say(text, isError);
    },
    async stored() {
      while (sending) await sending;
    },
  };
}

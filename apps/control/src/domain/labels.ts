import { createHash } from 'node:crypto';
import { DomainError } from '@portico/errors';

/** The longest label of a host name (RFC 1035). */
const LABEL_MAX = 63;
const HASH_DIGITS = 6;

/** What the host name of a web function follows from. */
export interface LabelParts {
  readonly workspace: string;
  readonly webSuffix: string;
  readonly appName: string;
  /** Tag of the function, or Class.method. */
  readonly functionName: string;
  /** The user's own label; empty = made from the names. */
  readonly customLabel: string;
  /** Set for apps that end with their client; empty = `dev`. */
  readonly ephemeralSuffix: string | undefined;
}

export interface HostLabel {
  readonly label: string;
  readonly isTruncated: boolean;
}

/**
 * The first label of the host: `<workspace>[-<suffix>]--<label>[-dev]`, where the label is the user's own or
 * `<app>-<function>`, each as `normalised` writes it.
 *
 * Names that are written in the same way get the same label, which only one of them can have. A label that is too long is
 * cut, and six hex digits of the SHA-256 of the whole follow, so that long names stay apart; the ending of an ephemeral app
 * stays behind them.
 */
export function hostLabelOf(parts: LabelParts): HostLabel {
  const source = parts.webSuffix ? `${parts.workspace}-${parts.webSuffix}` : parts.workspace;
  const label = parts.customLabel ? checkedLabel(parts.customLabel) : labelOfNames(parts.appName, parts.functionName);
  const ending = parts.ephemeralSuffix === undefined ? '' : `-${checkedEnding(parts.ephemeralSuffix)}`;
  const whole = `${normalised(source)}--${label}`;
  if (whole.length + ending.length <= LABEL_MAX) return { label: whole + ending, isTruncated: false };
  const room = LABEL_MAX - ending.length - HASH_DIGITS - 1;
  const cut = whole.slice(0, room).replace(/-+$/, '');
  return { label: `${cut}-${digest(whole + ending)}${ending}`, isTruncated: true };
}

/** Names without a single letter or digit of a host name are told apart by their hash alone. */
function labelOfNames(appName: string, functionName: string): string {
  const names = `${appName}-${functionName}`;
  return normalised(names) || digest(names);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
}

/** Lower case letters, digits and single dashes; never a dash at an end. */
function normalised(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/** What a developer has in place of `dev`. */
function checkedEnding(suffix: string): string {
  if (/^[a-zA-Z0-9]{0,8}$/.test(suffix)) return suffix.toLowerCase() || 'dev';
  throw new DomainError(
    'invalid-argument',
    'label.illegal',
    `The suffix ${JSON.stringify(suffix)} can't be part of a host name: use up to 8 letters and digits.`,
  );
}

/** A user's own label is taken as it is or refused, never changed. */
function checkedLabel(label: string): string {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label)) return label;
  throw new DomainError(
    'invalid-argument',
    'label.illegal',
    `The label ${JSON.stringify(label)} can't be part of a host name: use lower-case letters, digits and dashes, with a letter or digit at both ends.`,
  );
}

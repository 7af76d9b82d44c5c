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
 * The first label of the host: `<workspace>[-<suffix>]--<label>[-dev]`.
 *
 * One that is too long keeps its end for ephemeral apps: it is cut, and six hex digits of the
 * SHA-256 of the whole follow, so that two long names stay apart.
 */
export function hostLabelOf(parts: LabelParts): HostLabel {
  const source = parts.webSuffix ? `${parts.workspace}-${parts.webSuffix}` : parts.workspace;
  const label = parts.customLabel
    ? checkedLabel(parts.customLabel)
    : normalised(`${parts.appName}-${parts.functionName}`);
  const ending = parts.ephemeralSuffix === undefined ? '' : `-${normalised(parts.ephemeralSuffix) || 'dev'}`;
  const whole = `${normalised(source)}--${label}`;
  if (whole.length + ending.length <= LABEL_MAX) return { label: whole + ending, isTruncated: false };
  const digits = createHash('sha256')
    .update(whole + ending)
    .digest('hex')
    .slice(0, HASH_DIGITS);
  const room = LABEL_MAX - ending.length - HASH_DIGITS - 1;
  return { label: `${whole.slice(0, room).replace(/-+$/, '')}-${digits}${ending}`, isTruncated: true };
}

/** Lower case letters, digits and single dashes; never a dash at an end. */
function normalised(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
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

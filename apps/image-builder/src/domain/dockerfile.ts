import { type Instruction, instructionsOf } from './dockerfile-text.ts';
import { fullName } from './image-name.ts';

/** A Dockerfile whose image names are known, ready to be written with the names of our store. */
export interface PreparedDockerfile {
  /** Full names of the foreign images it starts from or copies out of. */
  readonly references: readonly string[];
  /** The text to build, each image under the name that `nameOf` gives for its full name. */
  write(nameOf: (reference: string) => string): string;
}

interface Names {
  /** The name of the image below, which the client calls `base`. */
  readonly base: string | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
}

type Piece = string | { readonly reference: string };

/**
 * Joins the client's commands and finds the images they name: `base` is the image below, short
 * names are Docker Hub's, stages of the same file and numbers of stages are left alone.
 */
export function prepareDockerfile(commands: readonly string[], { base, buildArgs }: Names): PreparedDockerfile {
  const stages = new Set<string>();
  const globals = new Map<string, string>();
  let hasStarted = false;
  const imageOf = (name: string): Piece => {
    const image = expanded(name, globals);
    if (image === 'scratch' || stages.has(image.toLowerCase()) || /^\d+$/.test(image)) return image;
    if (image === 'base' && base) return base;
    return { reference: fullName(image) };
  };
  const pieces = instructionsOf(commands.join('\n')).map((instruction): Piece[] => {
    if (instruction.keyword === 'ARG' && !hasStarted) {
      declareArgument(instruction.value, buildArgs, globals);
      return [instruction.source];
    }
    if (instruction.keyword !== 'FROM') return piecesOf(instruction, imageOf);
    hasStarted = true;
    return fromPieces(instruction, imageOf, stages);
  });
  const references = new Set(pieces.flat().flatMap((piece) => (typeof piece === 'string' ? [] : [piece.reference])));
  return {
    references: [...references],
    write: (nameOf) =>
      `${pieces.map((line) => line.map((piece) => (typeof piece === 'string' ? piece : nameOf(piece.reference))).join('')).join('\n')}\n`,
  };
}

function fromPieces({ value, source }: Instruction, imageOf: (name: string) => Piece, stages: Set<string>): Piece[] {
  const [, flags = '', image = '', stage] = /^((?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?\s*$/i.exec(value) ?? [];
  if (!image) return [source];
  const piece = imageOf(image);
  if (stage) stages.add(stage.toLowerCase());
  return ['FROM ', flags, piece, stage ? ` AS ${stage}` : ''];
}

/** COPY --from=image and RUN --mount=…,from=image; everything else stays as it was written. */
function piecesOf({ keyword, source }: Instruction, imageOf: (name: string) => Piece): Piece[] {
  if (keyword !== 'COPY' && keyword !== 'RUN') return [source];
  const flags = /^\s*\w+(?:[ \t]+--\S+)*/.exec(source)?.[0] ?? '';
  const name = keyword === 'COPY' ? /(--from=)(["']?)([^\s"']+)\2/ : /(--mount=\S*?\bfrom=)()([^\s,]+)/;
  const found = name.exec(flags);
  if (!found) return [source];
  const [whole, start = '', , image = ''] = found;
  const end = found.index + whole.length;
  return [source.slice(0, found.index), start, imageOf(image), source.slice(end)];
}

function declareArgument(value: string, buildArgs: ReadonlyMap<string, string>, globals: Map<string, string>): void {
  for (const [, name = '', , quoted, plain] of value.matchAll(/(\w+)(=(?:["']([^"']*)["']|(\S*)))?/g)) {
    const chosen = buildArgs.get(name) ?? quoted ?? plain;
    if (chosen !== undefined) globals.set(name, chosen);
  }
}

/** $NAME, ${NAME}, ${NAME:-default} and ${NAME:+instead}. */
function expanded(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g,
    (_, plain?: string, braced?: string, sign?: string, word = '') => {
      const value = values.get(plain ?? braced ?? '');
      if (sign === '-') return value || word;
      if (sign === '+') return value ? word : '';
      return value ?? '';
    },
  );
}

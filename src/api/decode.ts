/**
 * Readers for values that came over the wire. They check the shape once, at the edge, so that the
 * rest of the code can rely on its types.
 */

/** The server sent an answer that does not have the agreed shape. */
export class UnexpectedAnswerError extends Error {
  constructor(field: string) {
    super(`unexpected answer: ${field}`);
    this.name = 'UnexpectedAnswerError';
  }
}

/** An object with unchecked members. */
export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnexpectedAnswerError(name);
  }
  return value as Fields;
}

export function list<T>(
  value: unknown,
  name: string,
  read: (item: unknown, name: string) => T
): readonly T[] {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value)) {
    throw new UnexpectedAnswerError(name);
  }
  return value.map((item, index) => read(item, `${name}[${index}]`));
}

export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw new UnexpectedAnswerError(name);
  }
  return value;
}

export function textOrNull(value: unknown, name: string): string | null {
  return value === undefined || value === null ? null : text(value, name);
}

export function numeral(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new UnexpectedAnswerError(name);
  }
  return value;
}

export function truth(value: unknown, name: string): boolean {
  if (value === undefined || value === null) {
    return false;
  }
  if (typeof value !== 'boolean') {
    throw new UnexpectedAnswerError(name);
  }
  return value;
}

export function oneOf<T extends string>(
  value: unknown,
  allowed: readonly T[],
  name: string
): T {
  const found = allowed.find(item => item === value);
  if (found === undefined) {
    throw new UnexpectedAnswerError(name);
  }
  return found;
}

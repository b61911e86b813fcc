/** Why a text was refused. */
export interface DecodeProblem {
  /** `unsupported`: well-formed as far as it was read, but of a kind that can't be judged here. */
  readonly kind: 'malformed' | 'unsupported';
  /** Where, like `answers[0].choices[2].alpha`; empty for the text as a whole. */
  readonly path: string;
  readonly message: string;
}

/** One sentence part: `answers[0].choices[2].alpha: not a point ...`. */
export function problemText({ path, message }: DecodeProblem): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** Thrown by codecs, caught by `decode.ts`, and never seen outside. */
export class Refused extends Error {
  readonly problem: DecodeProblem;

  constructor(problem: DecodeProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

import type { Result } from '../../../base/result.ts';
import { type Codec, type ReadingMode, record } from './codec.ts';
import { decodeIn } from './decode.ts';
import { hash } from './elements.ts';
import { type DecodeLimits, MESSAGE_LIMITS } from './limits.ts';
import type { DecodeProblem } from './problem.ts';

/** Names of the three texts that an election starts from (4.10). */
export interface SetupData {
  readonly election: string;
  readonly trustees: string;
  readonly credentials: string;
}

const setupData: Codec<SetupData> = record({ election: hash, trustees: hash, credentials: hash });

export function encodeSetupData(value: SetupData): string {
  return setupData.write(value);
}

export function decodeSetupData(
  source: string,
  mode: ReadingMode = 'strict',
  limits: DecodeLimits = MESSAGE_LIMITS,
): Result<SetupData, DecodeProblem> {
  return decodeIn(mode, setupData, source, limits);
}

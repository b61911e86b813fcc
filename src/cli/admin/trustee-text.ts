import type { InvitedStanding } from '../../services/ceremony-desk.ts';
import type { ElectionStatus, TrusteeStanding } from '../../services/organiser.ts';
import type { Readiness } from '../../services/trustee-calls.ts';
import { fromNowInWords } from '../time.ts';

type Trustees = Pick<ElectionStatus, 'trustees' | 'readiness'>;
type Rows = readonly (readonly [string, string])[];

/** A trustee as people call it. */
export function trusteeName({ trustee, name }: Pick<TrusteeStanding, 'trustee' | 'name'>): string {
  return name === null ? `trustee ${trustee}` : `${name} (trustee ${trustee})`;
}

/** The one light: how many trustees could decrypt today. */
export function readinessText({ trustees, readiness }: Trustees, now: number): string {
  if (trustees === null || readiness === null) return '';
  const { called, ready } = readiness;
  if (called === null) return 'NOT TESTED: the trustees were not asked yet; "admin trustees call" asks them';
  const asked = `asked ${fromNowInWords(called, now)}`;
  const could = `${ready.length} of ${trustees.length} trustees have shown that they could decrypt (${asked})`;
  const missing = namesOf(readiness, trustees);
  if (!readiness.enough) return `TOO FEW: ${could}; missing: ${missing}`;
  if (readiness.spare > 0) return `OK: ${could}${missing === '' ? '' : `; missing: ${missing}`}`;
  return missing === ''
    ? `OK, but all are needed: ${could}, and none of them may be lost`
    : `AT RISK: ${could}, just enough; missing: ${missing}`;
}

function namesOf({ absent }: Readiness, trustees: readonly TrusteeStanding[]): string {
  return trustees
    .filter(({ trustee }) => absent.includes(trustee))
    .map(trusteeName)
    .join(', ');
}

/** How far the making of the trustees' keys has come, a row for each of them. */
export function ceremonyRows({ ceremony }: Pick<ElectionStatus, 'ceremony'>): Rows {
  if (ceremony === null) return [];
  const { threshold, members, invited, done, ended } = ceremony;
  const singles = invited.length - members;
  const needed = [
    ...(members > 0 ? [`${threshold} of ${members} members`] : []),
    ...(singles > 0 ? [singles === 1 ? 'the single trustee' : `all ${singles} single trustees`] : []),
  ].join(' and ');
  const state =
    ended !== null
      ? `FAILED: ${ended.reason}${ended.accused.length === 0 ? '' : `, by ${namesOfInvited(ended.accused, invited)}`}; begin anew with "admin trustees invite"`
      : done
        ? 'done'
        : 'under way';
  return [
    ['Key ceremony', `${state}; ${needed} will be needed to decrypt`],
    ...(done || ended !== null ? [] : invited.map((one) => ['', `${one.name}: ${nextText(one)}`] as const)),
  ];
}

/** The trustees' keys, to be compared aloud with what their own programs show. */
export function fingerprintRows({ trustees }: Pick<ElectionStatus, 'trustees'>): Rows {
  return (trustees ?? []).map((one, at) => [
    at === 0 ? 'Fingerprints' : '',
    `${one.fingerprint}  ${trusteeName(one)}`,
  ]);
}

function namesOfInvited(numbers: readonly number[], invited: readonly InvitedStanding[]): string {
  return invited
    .filter(({ trustee }) => numbers.includes(trustee))
    .map(({ name }) => name)
    .join(', ');
}

function nextText({ next, role }: InvitedStanding): string {
  switch (next) {
    case 'nothing':
      return 'has done all';
    case 'others':
      return 'waits for the others';
    case 'key':
    case 'certificate':
      return `MISSING: has not joined yet${role === 'single' ? ' (single trustee)' : ''}`;
    case 'polynomial':
      return 'MISSING: step 2 of 3';
    case 'share':
      return 'MISSING: step 3 of 3';
  }
}

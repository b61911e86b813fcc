import { parentPort } from 'node:worker_threads';
import { checkBallotsInline } from '../../belenios/v1/audit/ballot-judge.ts';
import { cryptography } from '../../belenios/v1/cryptography.ts';

/** Ballots of one election to judge. Each request is answered by one verdict a ballot, in order. */
export interface BallotRequest {
  readonly electionText: string;
  readonly ballotTexts: readonly string[];
}

const port = parentPort;
if (port === null) throw new Error('audit/archive/ballot-worker.js runs in a worker thread only');

const check = checkBallotsInline(cryptography);
port.on('message', ({ electionText, ballotTexts }: BallotRequest) => {
  void check(electionText, ballotTexts).then((verdicts) => {
    port.postMessage(verdicts);
  });
});

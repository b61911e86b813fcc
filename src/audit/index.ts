export { type EntryChecker, inProcessChecker } from './checker.ts';
export type { Expected } from './checks/identity.ts';
export {
  type AuditReport,
  type AuditedElection,
  type AuditedRound,
  CHECKS,
  type CheckId,
  type CheckReport,
  type CheckVerdict,
  type Finding,
  describeFinding,
} from './report.ts';
export { type AuditOptions, audit } from './run.ts';
export type { LogSource } from './source.ts';
export { createChecker, workerPool } from './worker-pool.ts';

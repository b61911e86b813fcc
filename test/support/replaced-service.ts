import type { NodeService, ReadService } from '#src/services/ports.js';

/** The reading part of a service, some of it replaced. */
export function reading(service: ReadService, by: Partial<ReadService>): ReadService {
  return {
    info: () => service.info(),
    standing: (query) => service.standing(query),
    inclusion: (which) => service.inclusion(which),
    consistency: (first, second) => service.consistency(first, second),
    entries: (from, to) => service.entries(from, to),
    checkpoints: (from) => service.checkpoints(from),
    latestCheckpoint: () => service.latestCheckpoint(),
    exchange: (given) => service.exchange(given),
    reportChecks: (report) => service.reportChecks(report),
    onGrowth: (listener) => service.onGrowth(listener),
    ...by,
  };
}

/** A whole service, some of it replaced. */
export function serving(service: NodeService, by: Partial<NodeService>): NodeService {
  return {
    ...reading(service, {}),
    cast: (ballot, onPromise) => service.cast(ballot, onPromise),
    enrol: (enrolment) => service.enrol(enrolment),
    handIn: (message) => service.handIn(message),
    ...by,
  };
}

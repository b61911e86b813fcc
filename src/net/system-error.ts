/** The operating system's name for an error, e.g. `ECONNREFUSED`; '' where it has none. */
export function systemCode(error: unknown): string {
  // Several addresses of one host name fail together; the first tells as much as the others.
  if (error instanceof AggregateError) return systemCode(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

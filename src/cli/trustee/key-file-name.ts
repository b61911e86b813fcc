/** Where a trustee's key is, unless the command line says otherwise. */
export const DEFAULT_TRUSTEE_KEY = 'keys/trustee.key';

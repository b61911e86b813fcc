import { ROUTER_ANSWER_BYTES, ROUTER_ANSWER_MS } from '../limits.ts';

/** What a router did not do; the message says why, for people. */
export class RouterRefusal extends Error {
  override readonly name = 'RouterRefusal';
  /** The error's number (UPnP WANIPConnection 1, section 2.4.16.3); undefined where there is none. */
  readonly code: number | undefined;

  constructor(message: string, code?: number, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Errors that a router names by number. */
export const CONFLICT = 718;
export const PERMANENT_ONLY = 725;
const NOT_ALLOWED = [606, 729];

const SERVICES = ['WANIPConnection:2', 'WANIPConnection:1', 'WANPPPConnection:1'].map(
  (service) => `urn:schemas-upnp-org:service:${service}`,
);

/** A router has some five. */
const SERVICES_READ = 32;
/** Of one element's text; a longer one is not understood. */
const FIELD_CHARACTERS = 200;

/** A router's service that forwards ports. */
export class Router {
  readonly #control: URL;
  readonly #service: string;

  private constructor(control: URL, service: string) {
    this.#control = control;
    this.#service = service;
  }

  /** Reads its description. Rejects with `RouterRefusal` where that names no such service, or does not come. */
  static async at(description: URL, signal: AbortSignal): Promise<Router> {
    const text = await fetchText(description, {}, signal);
    const services = text.body.split('<service>').slice(1, 1 + SERVICES_READ);
    for (const wanted of SERVICES) {
      const service = services.find((one) => field(one, 'serviceType') === wanted);
      const path = service === undefined ? undefined : field(service, 'controlURL');
      if (path === undefined || !URL.canParse(path, description.href)) continue;
      const control = new URL(path, description);
      if (control.host === description.host) return new Router(control, wanted);
    }
    throw new RouterRefusal('it forwards no ports');
  }

  /** Its address on the other side. */
  async externalAddress(signal: AbortSignal): Promise<string> {
    const answer = await this.#call('GetExternalIPAddress', [], signal);
    return field(answer, 'NewExternalIPAddress') ?? '';
  }

  /** Has it forward a TCP port; 0 seconds for ever. Rejects with `RouterRefusal`. */
  async forward(
    { from, to, port }: { readonly from: number; readonly to: string; readonly port: number },
    seconds: number,
    signal: AbortSignal,
  ): Promise<void> {
    const fields = [
      ...external(from),
      ['NewInternalPort', String(port)],
      ['NewInternalClient', to],
      ['NewEnabled', '1'],
      ['NewPortMappingDescription', 'Psephos'],
      ['NewLeaseDuration', String(seconds)],
    ] as const;
    await this.#call('AddPortMapping', fields, signal);
  }

  /** Has it forward the port no more. */
  async release(from: number, signal: AbortSignal): Promise<void> {
    await this.#call('DeletePortMapping', external(from), signal);
  }

  async #call(
    action: string,
    fields: readonly (readonly [name: string, value: string])[],
    signal: AbortSignal,
  ): Promise<string> {
    const inside = fields.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
    const body =
      '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
      `<s:Body><u:${action} xmlns:u="${this.#service}">${inside}</u:${action}></s:Body></s:Envelope>`;
    const headers = {
      soapaction: `"${this.#service}#${action}"`,
      'content-type': 'text/xml; charset="utf-8"',
    };
    const answer = await fetchText(this.#control, { method: 'POST', headers, body }, signal);
    if (answer.ok) return answer.body;
    const code = Number(field(answer.body, 'errorCode') ?? Number.NaN);
    throw refusal(code, field(answer.body, 'errorDescription'));
  }
}

function external(port: number): readonly (readonly [string, string])[] {
  return [
    ['NewRemoteHost', ''],
    ['NewExternalPort', String(port)],
    ['NewProtocol', 'TCP'],
  ];
}

function refusal(code: number, description: string | undefined): RouterRefusal {
  if (!Number.isInteger(code)) return new RouterRefusal('it refuses, and does not say why');
  const why = NOT_ALLOWED.includes(code)
    ? 'it is set not to let programs forward ports'
    : `it refuses (error ${code}${description === undefined ? '' : `, ${description}`})`;
  return new RouterRefusal(why, code);
}

/**
 * The text of an element without elements in it. Such answers are small and flat; what does not look so is not understood. Anybody in the
 * network can answer as a router, so that no text may take long: none of the pattern's parts can match what the next one can.
 */
function field(xml: string, name: string): string | undefined {
  const text = new RegExp(`<(?:\\w{1,20}:)?${name}(?: [^<>]*)?>([^<]{0,${FIELD_CHARACTERS}})</`).exec(
    xml,
  )?.[1];
  return text?.trim();
}

async function fetchText(
  url: URL,
  init: RequestInit,
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly body: string }> {
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort(signal.reason);
  };
  const timer = setTimeout(() => {
    abort.abort(new Error('no answer'));
  }, ROUTER_ANSWER_MS);
  signal.addEventListener('abort', stop);
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: abort.signal });
    const chunks: Uint8Array[] = [];
    let length = 0;
    const parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = response.body ?? [];
    for await (const chunk of parts) {
      length += chunk.length;
      if (length > ROUTER_ANSWER_BYTES) throw new RouterRefusal('its answer is too long');
      chunks.push(chunk);
    }
    return { ok: response.ok, body: Buffer.concat(chunks).toString('utf8') };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof RouterRefusal) throw cause;
    throw new RouterRefusal('it does not answer', undefined, { cause });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

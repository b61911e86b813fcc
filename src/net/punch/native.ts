import { unusable } from '../../base/errors.ts';

/**
 * What is used of `node-datachannel`, which brings ICE, DTLS and SCTP as native code. It is an optional dependency, so that it is not
 * imported, not even for its types, unless it is asked for.
 */
export interface NativeWebRtc {
  readonly PeerConnection: new (
    name: string,
    config: { readonly iceServers: readonly StunServer[]; readonly maxMessageSize: number },
  ) => NativePeer;
}

/** One end of an attempt, and of the connection that comes of it. An object that nothing refers to is destroyed, and its connection ends. */
export interface NativePeer {
  createDataChannel(label: string): NativeChannel;
  /** Throws for a description that it can't use. */
  setRemoteDescription(sdp: string, type: 'offer' | 'answer'): void;
  localDescription(): { readonly sdp: string } | null;
  gatheringState(): string;
  getSelectedCandidatePair(): { readonly remote: { readonly address: string; readonly port: number } } | null;
  onGatheringStateChange(listener: (state: string) => void): void;
  onStateChange(listener: (state: string) => void): void;
  onDataChannel(listener: (channel: NativeChannel) => void): void;
  close(): void;
}

export interface NativeChannel {
  isOpen(): boolean;
  /** Whether it went out at once; what did not waits, and is counted by `bufferedAmount`. Throws where the channel is closed. */
  sendMessageBinary(bytes: Uint8Array): boolean;
  bufferedAmount(): number;
  setBufferedAmountLowThreshold(bytes: number): void;
  onOpen(listener: () => void): void;
  onClosed(listener: () => void): void;
  onError(listener: (message: string) => void): void;
  onBufferedAmountLow(listener: () => void): void;
  onMessage(listener: (message: string | Uint8Array | ArrayBuffer) => void): void;
  close(): void;
}

/** A server that tells whoever asks by which address it is seen (RFC 8489). */
export interface StunServer {
  readonly hostname: string;
  readonly port: number;
}

/** The package, in the version that is tested; `npm ci` leaves it out where it has no build for the system, and with `--omit=optional`. */
const PACKAGE = 'node-datachannel';
const VERSION = '0.33.4';

/** Loads the native part. Throws `webrtc-missing` (usage) where it is not installed, or not for this system. */
export async function loadWebRtc(name: string = PACKAGE): Promise<NativeWebRtc> {
  try {
    return (await import(name)) as NativeWebRtc;
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw unusable('webrtc-missing', `--webrtc needs the package ${PACKAGE}, which can't be loaded: ${why}`, {
      hint: `Type "npm install --no-save ${PACKAGE}@${VERSION}" in the folder of this program, or leave --webrtc out: relays work without it.`,
      cause,
    });
  }
}

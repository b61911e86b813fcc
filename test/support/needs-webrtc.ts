import type { TestContext } from 'node:test';
import { PsephosError } from '#src/base/errors.js';
import { loadWebRtc } from '#src/net/punch/native.js';
import { needs } from './needs.ts';

/** Whether the optional package that finds direct ways is installed; see `needs`. */
export async function needsWebRtc(t: TestContext): Promise<boolean> {
  return needs(t, 'node-datachannel (an optional package of npm)', await isInstalled());
}

async function isInstalled(): Promise<boolean> {
  try {
    await loadWebRtc();
    return true;
  } catch (error) {
    if (error instanceof PsephosError && error.code === 'webrtc-missing') return false;
    throw error;
  }
}

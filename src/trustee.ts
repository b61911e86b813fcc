#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runTrustee } from './cli/trustee.ts';

process.exitCode = await main(runTrustee);

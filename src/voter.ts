#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runVoter } from './cli/voter.ts';

process.exitCode = await main(runVoter);

#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runVerifyLog } from './cli/verify-log.ts';

process.exitCode = await main(runVerifyLog);

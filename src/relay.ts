#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runRelay } from './cli/relay.ts';

process.exitCode = await main(runRelay);

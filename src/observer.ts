#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runObserver } from './cli/observer.ts';

process.exitCode = await main(runObserver);

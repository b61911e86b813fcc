#!/usr/bin/env node
import { main } from './cli/main.ts';
import { runRegistrar } from './cli/registrar.ts';

process.exitCode = await main(runRegistrar);

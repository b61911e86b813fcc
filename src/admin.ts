#!/usr/bin/env node
import { runAdmin } from './cli/admin.ts';
import { main } from './cli/main.ts';

process.exitCode = await main(runAdmin);

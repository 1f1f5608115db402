#!/usr/bin/env node
// Node 20 runs no TypeScript by itself; once Node 22.18 is the oldest one supported, this file can import main.ts alone.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');

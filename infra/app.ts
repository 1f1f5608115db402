import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { parseSettings } from '../statemachine/settings.ts';
import { CutoverStack } from './cutover-stack.ts';

const settings = parseSettings();
const app = new App({ outdir: fileURLToPath(new URL('../cdk.out', import.meta.url)) });
const stack = new CutoverStack(app, `${settings.stackName}-cutover`, settings);
app.synth();
console.log(`Synthesized ${stack.stackName} to cdk.out (${stack.templateFile})`);

import { createProgram } from './program.ts';

const [name] = process.argv.slice(2);
await (await createProgram(name)).parseAsync();

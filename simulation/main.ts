// Before the SDK is loaded: it warns of Node 20 in every process, and the functions themselves run on Node 24.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { simulateCommand } = await import('./command.ts');
await simulateCommand().parseAsync();

export {};

// Runs before anything is installed, so it imports nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const read = (path) => {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch {
    return undefined;
  }
};

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `This is Node ${process.versions.node}: expected 20.19 or newer. Install it from nodejs.org, then repeat.`,
  );
  process.exit(2);
}

// npm writes what it has installed, package by package, to this file.
const lock = JSON.parse(read('package-lock.json') ?? '{"packages":{}}');
const installed = JSON.parse(read('node_modules/.package-lock.json') ?? '{"packages":{}}');
const missing = Object.entries(lock.packages).some(
  ([path, { version, optional }]) => path !== '' && !optional && installed.packages[path]?.version !== version,
);

if (missing) {
  console.error('Installing the packages of package-lock.json (once; better-sqlite3 may compile for a minute) ...');
  const { status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit'], {
    cwd: fileURLToPath(root),
    stdio: ['ignore', 'inherit', 'inherit'],
    // node-gyp compiles on one processor where nobody tells it otherwise.
    env: { JOBS: 'max', ...process.env },
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(
      'npm ci failed; its last lines say why. better-sqlite3 needs a C++ compiler, make and Python 3 where no prebuilt binary can be had.',
    );
    process.exit(status ?? 1);
  }
}

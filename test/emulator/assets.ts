import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ensurePythonEnvironment } from './python-environment.ts';

const ACCOUNT = '000000000000';
const RUNTIME = fileURLToPath(new URL('function-runtime.mjs', import.meta.url));
const REROUTE = new URL('reroute.mjs', import.meta.url).href;

/** What of `cdk bootstrap` a deployment rests on: where assets lie, and a version number. */
export const BOOTSTRAP_TEMPLATE = JSON.stringify({
  Resources: {
    StagingBucket: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        BucketName: { 'Fn::Join': ['-', ['cdk-hnb659fds-assets', { Ref: 'AWS::AccountId' }, { Ref: 'AWS::Region' }]] },
      },
    },
    CdkBootstrapVersion: {
      Type: 'AWS::SSM::Parameter',
      Properties: { Type: 'String', Name: '/cdk-bootstrap/hnb659fds/version', Value: '30' },
    },
  },
});

interface AssetManifest {
  files: Record<
    string,
    {
      source: { path: string; packaging: 'file' | 'zip' };
      destinations: Record<string, { bucketName: string; objectKey: string }>;
    }
  >;
}

/**
 * Uploads what was synthesized to where the template expects it, as the CDK command line does after a bootstrap. The
 * functions' bundles get the bootstrap of the test's runtime.
 *
 * @param template in the place of the synthesized one
 * @returns where the template lies
 */
export async function publishAssets(
  s3: S3Client,
  directory: string,
  stackName: string,
  template: string,
): Promise<string> {
  const manifest: AssetManifest = JSON.parse(readFileSync(join(directory, `${stackName}.assets.json`), 'utf8'));
  let templateUrl: string | undefined;
  for (const { source, destinations } of Object.values(manifest.files)) {
    const [destination] = Object.values(destinations);
    const Bucket = (destination?.bucketName ?? '').replaceAll(/\$\{AWS::AccountId\}/g, ACCOUNT);
    const Key = destination?.objectKey;
    const isTemplate = source.packaging === 'file';
    const Body = isTemplate ? template : zipOf(join(directory, source.path));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    if (isTemplate) templateUrl = `https://s3.amazonaws.com/${Bucket}/${Key}`;
  }
  if (templateUrl === undefined) throw new Error(`There is no template among the assets of ${stackName}.`);
  return templateUrl;
}

/** Node cannot write such an archive, and Python is here anyway. */
function zipOf(bundle: string): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'relay-cutover-asset-'));
  try {
    const content = join(work, 'content');
    mkdirSync(content);
    cpSync(join(bundle, 'index.js'), join(content, 'index.js'));
    const bootstrap = join(content, 'bootstrap');
    writeFileSync(bootstrap, `#!/bin/sh\nexec '${process.execPath}' --import '${REROUTE}' '${RUNTIME}'\n`);
    chmodSync(bootstrap, 0o755);
    const archive = join(work, 'asset.zip');
    const python = join(ensurePythonEnvironment(), 'python3');
    execFileSync(python, ['-m', 'zipfile', '-c', archive, 'index.js', 'bootstrap'], { cwd: content });
    return readFileSync(archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

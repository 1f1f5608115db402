import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the processes of the cloud find on this machine what has a name in the cloud; see reroute.mjs. */
export interface Routes {
  /** Lets them find the file, and look into it. */
  environment: Record<string, string>;
  /**
   * @param where `<host>:<port>`
   * @param certificate to be trusted there, in PEM
   */
  add(where: string, port: number, certificate: string): Promise<void>;
}

export async function createRoutes(directory: string): Promise<Routes> {
  const file = join(directory, 'routes.json');
  const ports: Record<string, number> = {};
  const certificates: string[] = [];
  const write = (): Promise<void> => writeFile(file, JSON.stringify({ ports, certificates }));
  await write();
  return {
    environment: {
      CUTOVER_ROUTES: file,
      NODE_OPTIONS: `--import ${new URL('reroute.mjs', import.meta.url).href}`,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    async add(where, port, certificate) {
      ports[where] = port;
      certificates.push(certificate);
      await write();
    },
  };
}

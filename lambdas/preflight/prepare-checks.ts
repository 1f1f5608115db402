import type { Settings } from '../../statemachine/settings.ts';
import type { AddRdsSettings } from '../template-edits/add-rds.ts';
import type { ImageAnswer } from './image-registry.ts';
import type { Drift, Subnet } from './network-and-storage.ts';
import type { Editing } from './preview.ts';
import { type Check, RELAY_CHECKS } from './relay-checks.ts';
import type { RelayWorld } from './relay-world.ts';
import type { DatabaseInstance } from './surroundings.ts';

/** The settings by which the database and the migrator's tasks are made. */
export type PrepareSettings = AddRdsSettings & Pick<Settings, 'newImage'>;

/** What the preflight of a preparation has read. */
export interface PrepareWorld extends RelayWorld {
  settings: PrepareSettings;
  /** The edits that add the database. */
  adding: Editing;
  /** The edits of the switch, after those. */
  switching: Editing;
  /** What stands under the name that the database will have. */
  database: DatabaseInstance | undefined;
  databaseName: string;
  images: ImageAnswer[];
  subnets: Subnet[];
  closedPorts: number[];
  fileSystemBytes: number;
  scalableTargets: number;
  drifts: Drift[];
}

/** The migrator, the new relay, the database and the functions in the VPC each take one. */
export const FREE_ADDRESSES_MIN = 8;
/** HTTPS (images, logs, secrets), EFS, PostgreSQL. */
export const NEEDED_PORTS = [443, 2_049, 5_432];
const ZONES_MIN = 2;
const EPHEMERAL_STORAGE_GIBIBYTES_DEFAULT = 20;
/** What the image and the system take of the ephemeral storage, with some room. */
const EPHEMERAL_STORAGE_GIBIBYTES_TAKEN = 5;
const GIBIBYTE = 2 ** 30;

/** What must be true before the stack gets its database. All of it is looked at, and all findings are told at once. */
export const PREPARE_CHECKS: Check<PrepareWorld>[] = [
  ...RELAY_CHECKS,
  {
    title: 'the template takes the edits that add the database, and then those of the switch',
    finding({ adding, switching }) {
      const refused = [adding, switching].find((one) => 'refusal' in one);
      return refused === undefined ? undefined : `The template cannot be edited: ${refused.refusal}`;
    },
  },
  {
    title: 'nobody has changed by hand what the edits will change',
    finding({ drifts }) {
      if (drifts.length === 0) return undefined;
      const seen = drifts.map(({ logicalId, properties }) => `${logicalId} (${properties.join(', ')})`).join(', ');
      return `The stack's template says otherwise than the world about ${seen}: a change set would undo that, or rest on it. Bring template and world together, deploy, and start again.`;
    },
  },
  {
    title: 'nothing scales the service',
    finding: ({ scalableTargets, service }) =>
      scalableTargets === 0
        ? undefined
        : `${scalableTargets} scaling target(s) of Application Auto Scaling may start tasks of ${service.serviceName} at any time, during the write stop too. Deregister them first.`,
  },
  {
    title: 'the images are there',
    finding({ images }) {
      const missing = images.flatMap((image) => (image.status === 'missing' ? [image.reason] : []));
      return missing.length === 0
        ? undefined
        : `${missing.join(', and ')}. Push it, or correct the settings newImage and migratorImage.`;
    },
  },
  {
    title: 'the subnets have room, in two availability zones',
    finding({ subnets, names }) {
      const full = subnets.filter(({ freeAddresses }) => freeAddresses < FREE_ADDRESSES_MIN);
      const zones = new Set(subnets.map(({ zone }) => zone));
      if (full.length > 0)
        return `${full.map(({ id, freeAddresses }) => `The subnet ${id} has ${freeAddresses} free addresses`).join(', and ')}; expected at least ${FREE_ADDRESSES_MIN} in each. Free some, or add subnets to the setting names.subnets.`;
      if (zones.size >= ZONES_MIN) return undefined;
      return `The subnets ${names.subnets.join(', ')} lie in ${zones.size} availability zone(s); expected ${ZONES_MIN}, since RDS wants as many. Add one of another zone to the setting names.subnets.`;
    },
  },
  {
    title: 'the security group lets tasks reach HTTPS, EFS and PostgreSQL',
    finding: ({ closedPorts, names }) =>
      closedPorts.length === 0
        ? undefined
        : `The security group ${names.securityGroup} has no egress rule for the TCP port(s) ${closedPorts.join(', ')}. Add one.`,
  },
  {
    title: 'the files fit into the scratch space of the migrator',
    finding({ fileSystemBytes, settings }) {
      const scratch = settings.migrationTask.ephemeralStorageGibibytes ?? EPHEMERAL_STORAGE_GIBIBYTES_DEFAULT;
      const room = (scratch - EPHEMERAL_STORAGE_GIBIBYTES_TAKEN) * GIBIBYTE;
      if (fileSystemBytes <= room) return undefined;
      const needed = Math.ceil(fileSystemBytes / GIBIBYTE) + EPHEMERAL_STORAGE_GIBIBYTES_TAKEN;
      return `The file system holds ${(fileSystemBytes / GIBIBYTE).toFixed(1)} GiB, and the migrator copies the SQLite file into ${scratch} GiB of ephemeral storage, of which about ${EPHEMERAL_STORAGE_GIBIBYTES_TAKEN} are taken. Set migrationTask.ephemeralStorageGibibytes to ${needed} or more (at most 200).`;
    },
  },
  {
    title: 'the name of the database is free, or the database is of this stack and PostgreSQL',
    finding({ database, databaseName, resources, names }) {
      const isOurs = resources.has(names.databaseInstance);
      if (database === undefined) {
        return isOurs
          ? `RDS has no instance ${databaseName}, although the stack names it. Restore it first.`
          : undefined;
      }
      if (!isOurs)
        return `RDS has an instance ${databaseName} already, which is not of this stack: a failed update may have left it. Import it into the stack, or turn its deletion protection off and delete it.`;
      if (database.engine !== 'postgres')
        return `The database ${databaseName} is a ${database.engine} ${database.engineVersion}; expected PostgreSQL.`;
      return undefined;
    },
  },
];

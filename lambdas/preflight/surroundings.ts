import {
  DescribeTargetGroupAttributesCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import type { TargetAddress } from '../target-database.ts';
import { type AskRegistry, registryAsker } from './image-registry.ts';
import type { ClientConfiguration } from './relay-world.ts';

/** An RDS instance, as far as a cutover depends on it. */
export interface DatabaseInstance {
  status: string;
  /** Null while the instance is being created. */
  address: TargetAddress | null;
  engine: string;
  engineVersion: string;
  publiclyAccessible: boolean;
  iamAuthentication: boolean;
}

/** What a preflight asks of AWS beside the stack and its service. */
export interface Surroundings {
  /** Undefined where there is no instance of that name. */
  database(instance: string): Promise<DatabaseInstance | undefined>;
  /** For how long a load balancer lets clients of a task that stops go on. */
  deregistrationDelaySeconds(targetGroup: string): Promise<number>;
  askRegistry: AskRegistry;
}

/** ELB's own default. Source: API reference, TargetGroupAttribute. */
const DEREGISTRATION_DELAY_SECONDS_DEFAULT = 300;

export function surroundingsIn(clients: {
  rds: Pick<RDSClient, 'send'>;
  loadBalancing: Pick<ElasticLoadBalancingV2Client, 'send'>;
  askRegistry: AskRegistry;
}): Surroundings {
  return {
    askRegistry: clients.askRegistry,
    async database(instance) {
      try {
        const { DBInstances = [] } = await clients.rds.send(
          new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance }),
        );
        const [found] = DBInstances;
        if (found === undefined) return undefined;
        const { Address: host, Port: port } = found.Endpoint ?? {};
        return {
          status: found.DBInstanceStatus ?? '',
          address:
            host === undefined || port === undefined ? null : { host, port, database: found.DBName ?? 'postgres' },
          engine: found.Engine ?? '',
          engineVersion: found.EngineVersion ?? '',
          publiclyAccessible: found.PubliclyAccessible ?? false,
          iamAuthentication: found.IAMDatabaseAuthenticationEnabled ?? false,
        };
      } catch (error) {
        // The service's error code is DBInstanceNotFound, the SDK's class has another end.
        if (error instanceof Error && /^DBInstanceNotFound(Fault)?$/.test(error.name)) return undefined;
        throw error;
      }
    },
    async deregistrationDelaySeconds(targetGroup) {
      const { Attributes = [] } = await clients.loadBalancing.send(
        new DescribeTargetGroupAttributesCommand({ TargetGroupArn: targetGroup }),
      );
      const value = Attributes.find(({ Key }) => Key === 'deregistration_delay.timeout_seconds')?.Value;
      return value === undefined ? DEREGISTRATION_DELAY_SECONDS_DEFAULT : Number(value);
    },
  };
}

export function surroundingsOfAws(configuration: ClientConfiguration = {}): Surroundings {
  return surroundingsIn({
    rds: new RDSClient(configuration),
    loadBalancing: new ElasticLoadBalancingV2Client(configuration),
    askRegistry: registryAsker(),
  });
}

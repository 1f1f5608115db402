/** What the local ECS keeps, in the shapes of the ECS API (camelCase), as far as the state machine and the handlers look at it. */

export interface ContainerDefinition {
  name: string;
  image: string;
  command?: string[];
  environment?: { name: string; value: string }[];
  secrets?: { name: string; valueFrom: string }[];
  mountPoints?: { sourceVolume: string; containerPath: string; readOnly?: boolean }[];
  portMappings?: { containerPort: number }[];
  /** Seconds from SIGTERM to SIGKILL. */
  stopTimeout?: number;
}

export interface TaskDefinition {
  taskDefinitionArn: string;
  family: string;
  revision: number;
  /** A deregistered revision can still be described; nothing new runs of it. */
  status: 'ACTIVE' | 'INACTIVE';
  containerDefinitions: ContainerDefinition[];
}

export type LastStatus = 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING' | 'STOPPED';

export interface Task {
  taskArn: string;
  clusterArn: string;
  taskDefinitionArn: string;
  /** `family:<name>` or `service:<name>`. */
  group: string;
  startedBy: string;
  lastStatus: LastStatus;
  desiredStatus: 'RUNNING' | 'STOPPED';
  createdAt: Date;
  startedAt?: Date;
  stoppedAt?: Date;
  stopCode?: 'EssentialContainerExited' | 'UserInitiated' | 'ServiceSchedulerInitiated' | 'TaskFailedToStart';
  stoppedReason?: string;
  containers: { name: string; lastStatus: LastStatus; exitCode?: number }[];
}

export interface Deployment {
  id: string;
  status: 'PRIMARY' | 'ACTIVE';
  taskDefinition: string;
  rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
}

export interface Service {
  serviceArn: string;
  serviceName: string;
  clusterArn: string;
  taskDefinition: string;
  desiredCount: number;
  /** Undefined where no load balancer stands before it. */
  targetGroup?: string;
  deployments: Deployment[];
}

export interface ContainerOverride {
  name: string;
  command?: string[];
  environment?: { name: string; value: string }[];
}

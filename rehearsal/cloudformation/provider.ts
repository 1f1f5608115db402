import type { JsonObject } from '../../statemachine/asl.ts';

/** A resource with every intrinsic worked out, as a provider gets it. */
export interface ResolvedResource {
  stackName: string;
  logicalId: string;
  type: string;
  /** Dynamic references are resolved in here: it may hold secrets, and is for the provider alone. */
  properties: JsonObject;
  /**
   * What stood there before: set in `update`; in `create` when the new resource takes the place of an old one (which is
   * deleted in the cleanup that follows); in `delete`, where it is the resource to be deleted.
   */
  previous?: ExistingResource;
}

export interface ExistingResource {
  physicalId: string;
  properties: JsonObject;
  attributes: Record<string, string>;
}

/** `attributes` are what Fn::GetAtt may ask for, by their whole name (`Endpoint.Address`). */
export interface ProvidedResource {
  physicalId: string;
  attributes: Record<string, string>;
}

/**
 * What makes resources real. A promise is kept when the resource is stable (a service: its tasks run); one that rejects
 * fails the stack's operation with the error's message as the reason. The signal says that the update was cancelled.
 */
export interface ResourceProvider {
  create(resource: ResolvedResource, signal?: AbortSignal): Promise<ProvidedResource>;
  update(resource: ResolvedResource, signal?: AbortSignal): Promise<ProvidedResource>;
  delete(resource: ResolvedResource, signal?: AbortSignal): Promise<void>;
}

/** Hands each resource to the provider of its type, and all other types to `others`. */
export function providersByType(byType: Record<string, ResourceProvider>, others: ResourceProvider): ResourceProvider {
  const of = ({ type }: ResolvedResource) => byType[type] ?? others;
  return {
    create: (resource, signal) => of(resource).create(resource, signal),
    update: (resource, signal) => of(resource).update(resource, signal),
    delete: (resource, signal) => of(resource).delete(resource, signal),
  };
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { Refused } from '../../statemachine/errors.ts';
import type { ItemStore, LockItem, Versioned } from './lock-store.ts';

/** Keeps the locks, and what else is changed by compare-and-set, in a DynamoDB table with the key `stackName`. */
export function dynamoDbStore<Item extends Versioned = LockItem>(
  client: Pick<DynamoDBDocumentClient, 'send'>,
  table: string,
): ItemStore<Item> {
  return {
    async read(stackName) {
      const { Item: found } = await client.send(
        new GetCommand({ TableName: table, Key: { stackName }, ConsistentRead: true }),
      );
      return found as Item | undefined;
    },
    async write(item, previousVersion) {
      const condition =
        previousVersion === null
          ? {
              ConditionExpression: 'attribute_not_exists(#stackName)',
              ExpressionAttributeNames: { '#stackName': 'stackName' },
            }
          : {
              ConditionExpression: '#version = :previous',
              ExpressionAttributeNames: { '#version': 'version' },
              ExpressionAttributeValues: { ':previous': previousVersion },
            };
      try {
        await client.send(new PutCommand({ TableName: table, Item: item, ...condition }));
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false;
        throw error;
      }
    },
  };
}

/**
 * The store of a deployed function; its table stands in LOCK_TABLE.
 *
 * @throws Refused when the variable is not set
 */
export function deployedStore<Item extends Versioned = LockItem>(environment: NodeJS.ProcessEnv): ItemStore<Item> {
  const table = environment.LOCK_TABLE;
  if (table) return dynamoDbStore<Item>(DynamoDBDocumentClient.from(new DynamoDBClient({})), table);
  throw new Refused(
    'The environment variable LOCK_TABLE is not set. Expected the name of the DynamoDB table with the locks. Deploy the functions again with it.',
  );
}

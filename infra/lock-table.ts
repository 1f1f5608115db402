import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';

/**
 * Who may change the relay's stack. It outlives this stack: without it a cutover that stands half done would look like none.
 * Its name is fixed, so that a stack that is deployed again finds it: `npm run deploy` lets CloudFormation import it.
 */
export function createLockTable(stack: Stack): Table {
  return new Table(stack, 'locks', {
    tableName: lockTableName(stack.stackName),
    partitionKey: { name: 'stackName', type: AttributeType.STRING },
    // Of the questions for approval, which stand here too; a lock has no such attribute and stays.
    timeToLiveAttribute: 'timeToLive',
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    encryption: TableEncryption.AWS_MANAGED,
    removalPolicy: RemovalPolicy.RETAIN,
  });
}

export function lockTableName(cutoverStackName: string): string {
  return `${cutoverStackName}-locks`;
}

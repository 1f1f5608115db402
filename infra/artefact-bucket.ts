import { Duration, RemovalPolicy, type Stack, Validations } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';

/**
 * The relay's template and parameter values as they were before each execution, the report of each, and the archive of SQLite's
 * files. All outlive this stack: the way back, and what was done.
 */
export function createArtefactBucket(stack: Stack): Bucket {
  const bucket = new Bucket(stack, 'artefacts', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [
      // What is kept is written once; a second version is somebody's mistake, and may be looked at for a while.
      { noncurrentVersionExpiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(7) },
    ],
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'Four functions write a handful of texts, and one task the archive; CloudTrail tells who did, and a bucket for logs would outlive it all',
  });
  return bucket;
}

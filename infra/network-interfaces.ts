import { DescribeNetworkInterfacesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { Refused } from '../statemachine/errors.ts';

export interface InterfaceClock {
  now(): Date;
  sleep(seconds: number): Promise<void>;
}

const POLL_SECONDS = 20;
/** AWS says up to twenty minutes (Lambda developer guide, "VPC network interfaces"); it has been seen to take forty. */
const TIMEOUT_SECONDS = 3_600;

/**
 * Waits until Lambda has removed its network interfaces: as long as one is there, the security group that it uses, the
 * relay's own, can be neither deleted nor replaced.
 *
 * @throws Refused when they stay
 */
export async function interfacesGone(
  { now, sleep }: InterfaceClock,
  ec2: Pick<EC2Client, 'send'>,
  securityGroup: string,
  say: (line: string) => void,
): Promise<void> {
  const deadline = now().getTime() + TIMEOUT_SECONDS * 1_000;
  for (let told = false; ; told = true) {
    const { NetworkInterfaces = [] } = await ec2.send(
      new DescribeNetworkInterfacesCommand({
        Filters: [
          { Name: 'group-id', Values: [securityGroup] },
          { Name: 'interface-type', Values: ['lambda'] },
        ],
      }),
    );
    const ids = NetworkInterfaces.map(({ NetworkInterfaceId }) => NetworkInterfaceId);
    if (ids.length === 0) return;
    if (!told) {
      say(`Waiting until Lambda has removed its network interfaces ${ids.join(', ')}; this may take half an hour.`);
    }
    if (now().getTime() >= deadline) {
      throw new Refused(
        `The network interfaces ${ids.join(', ')} of Lambda still use ${securityGroup} after ${TIMEOUT_SECONDS / 60} minutes. Expected none. See by their description whose function they belong to; repeat npm run destroy when that one is gone.`,
      );
    }
    await sleep(POLL_SECONDS);
  }
}

/** Where the report of an execution stands in the artefact bucket. A redrive overwrites it with one that tells more. */
export function storedReportKeys(stackName: string, machine: string, name: string): { page: string; data: string } {
  const key = `reports/${stackName}/${machine}/${name}`;
  return { page: `${key}.html`, data: `${key}.json` };
}

/**
 * The same handler as `change-stack`, with a role of its own: CloudFormation acts with the rights of whoever executes a change
 * set, and a cutover that may not create a database cannot be made to.
 */
export { handler } from './change-stack.ts';

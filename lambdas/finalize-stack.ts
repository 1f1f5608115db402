// The code of change-stack under another role: to take the file system out of the relay's stack takes rights that no other
// step must have.
export { handler } from './change-stack.ts';

import { endAll } from './harness/shared.ts';

export default endAll;

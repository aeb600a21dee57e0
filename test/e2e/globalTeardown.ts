import { endAll } from './shared.ts';

export default endAll;

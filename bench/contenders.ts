import type { Contender } from './contenders/contender.ts';
import { DELTA } from './contenders/delta.ts';
import { FLOORS } from './contenders/floor.ts';
import { OURS } from './contenders/ours.ts';
import { PGLOADER } from './contenders/pgloader.ts';
import { ROW_BY_ROW } from './contenders/row-by-row.ts';

/** In the order in which each round runs them. */
export const CONTENDERS: Contender[] = [...FLOORS, OURS, DELTA, PGLOADER, ROW_BY_ROW];

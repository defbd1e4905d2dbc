// The float64 executor: the cases that hold for every executor.
import { openFloat64Executor } from '../../../src/oracles/float64/float64-executor.ts';
import { describeExecutor } from '../../cases/executor-cases.ts';

describeExecutor('float64', openFloat64Executor);

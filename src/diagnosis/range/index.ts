// Where the numbers of a run leave their range: without the rest of diagnosis.
export { locateBreach } from './locate.ts';
export { reportOfBreach, type RangeReport } from './report.ts';
export { RangeWatch } from './watch.ts';

// What `npm run test:slow` adds to `npm test`: the same laws on more cases.

export const SLOW: boolean = process.env['SLOW_TESTS'] === '1';

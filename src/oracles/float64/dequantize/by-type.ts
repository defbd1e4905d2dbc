// The oracle's decoder of each tensor type under the type's name: a line for each, and nothing else.
export { f32 } from './f32.ts';
export { f16 } from './f16.ts';
export { bf16 } from './bf16.ts';
export { q4_0 } from './q4_0.ts';
export { q4_1 } from './q4_1.ts';
export { q5_0 } from './q5_0.ts';
export { q5_1 } from './q5_1.ts';
export { q8_0 } from './q8_0.ts';
export { q2_k } from './q2_k.ts';
export { q3_k } from './q3_k.ts';
export { q4_k } from './q4_k.ts';
export { q5_k } from './q5_k.ts';
export { q6_k } from './q6_k.ts';

// The matrix kernel of each tensor type under the type's name: a line for each, and nothing else.
export { matmulF32Kernel as f32 } from './matmul-f32.ts';
export { matmulF16Kernel as f16 } from './matmul-f16.ts';
export { matmulBf16Kernel as bf16 } from './matmul-bf16.ts';
export { matmulQ40Kernel as q4_0 } from './matmul-q4_0.ts';
export { matmulQ41Kernel as q4_1 } from './matmul-q4_1.ts';
export { matmulQ50Kernel as q5_0 } from './matmul-q5_0.ts';
export { matmulQ51Kernel as q5_1 } from './matmul-q5_1.ts';
export { matmulQ80Kernel as q8_0 } from './matmul-q8_0.ts';
export { matmulQ2KKernel as q2_k } from './matmul-q2_k.ts';
export { matmulQ3KKernel as q3_k } from './matmul-q3_k.ts';
export { matmulQ4KKernel as q4_k } from './matmul-q4_k.ts';
export { matmulQ5KKernel as q5_k } from './matmul-q5_k.ts';
export { matmulQ6KKernel as q6_k } from './matmul-q6_k.ts';

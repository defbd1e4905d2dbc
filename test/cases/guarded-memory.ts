// The guards of the kernel tests are those of the kernel falsifiers.
export { GuardedMemory } from '../../falsifiers/kit/judges/guarded-memory.ts';

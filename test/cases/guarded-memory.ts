// The guards of the kernel tests are those of the kernel falsifiers.
export { GuardedMemory } from '../../falsifiers/generators/guarded-memory.ts';

// The engine's public face: what diagnosis, runner, falsifiers and cli may import.
export type { Model, ModelTransform, Notice } from './model.ts';
